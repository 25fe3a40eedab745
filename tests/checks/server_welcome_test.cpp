// Steps 1 to 4, as far as the welcome. These tests, and those of the other files, hold for every
// server that keeps the notebook's contract, in any language: make test SERVER='python3 my.py'.
#include "lines.hpp"
#include "process.hpp"
#include "talk.hpp"

#include <algorithm>
#include <csignal>

using namespace lab;

namespace
{

TEST(NotebookServer, WaitsForConnections)
{
    const std::string line = "Waiting for connection...";
    Finding finding{"",           fill("{line} on standard output", {{"line", quote(line + "\n")}}),
                    "",           "",
                    step::listen, "ss -ltn"};
    {
        Server server;
        REQUIRE(Talk(server).is_connected());
    }
    Server server;
    server.listens();
    server.until([&] { return server.out().find(line + "\n") != std::string::npos; }, Seconds(0.4));
    REQUIRE(Talk(server).is_connected());
    const std::string out = server.out();
    if (out.starts_with(line + "\n")) { // the connection above may have been printed, too
        const auto sockets = listening_sockets_of(server.pid());
        if (std::any_of(sockets.begin(), sockets.end(), [](const ListeningSocket& socket) {
                return socket.address == "0.0.0.0" || socket.address == "::";
            })) {
            RecordProperty(
                "note", "It listens on every address of this machine (0.0.0.0), so that others can "
                        "reach it; the notebook's on 127.0.0.1 only.");
        }
        return;
    }
    finding.received = out.empty() ? "nothing" : quote(out);
    if (server.err().find(line) != std::string::npos) {
        finding.diagnosis =
            "The line is on standard error. The notebook's print writes to standard output.";
    } else if (!out.empty() && !out.starts_with("Accept")) {
        finding.diagnosis = diagnose_lines({line}, out.substr(0, out.find('\n') + 1));
    } else {
        server.signal(SIGKILL); // it may hold port 9999
        server.status();
        finding.diagnosis = appears_on_a_terminal([&](Server&) { return line; })
                                ? in_a_buffer
                                : "The server listens, but the line is not printed.";
        Server alive; // the failure shall not speak of the one that the test has ended
        alive.listens();
        REQUIRE(not_yet(alive, "server", finding));
    }
    REQUIRE(not_yet(server, "server", finding));
}

TEST(NotebookServer, WelcomesAClient)
{
    Server server("1");
    double quickest = 60;
    for (int i = 0; i < 3 && quickest > 0.35; ++i) { // a machine may be busy once, not three times
        Talk client(server);
        REQUIRE(client.is_connected());
        const auto start = Clock::now();
        REQUIRE(client.is_welcomed());
        quickest = std::min(quickest, since(start));
        if (i == 0) {
            REQUIRE(client.hears_nothing_for(
                Seconds(0.15),
                "After the welcome it is the client's turn, and it has said nothing."));
        }
    }
    if (quickest > 0.35) {
        Talk client(server);
        REQUIRE(client.fails(
            {"nothing", "\"Welcome!\" at once",
             fill("\"Welcome!\" after {count} seconds",
                  {{"count", std::to_string(quickest).substr(0, 4)}}),
             "There is a pause before the welcome: the sleep belongs between recv and the answer.",
             step::welcome, by_hand("")}));
    }
}

} // namespace
