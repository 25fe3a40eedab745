// Steps 1 to 4, as far as the welcome. These tests, and those of the other files, hold for every
// server that keeps the notebook's contract, in any language: make test SERVER='python3 my.py'.
#include "lines.hpp"
#include "talk.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <optional>

using namespace lab;

namespace
{

const std::string line = "Waiting for connection...";

/// Success if a program that has come to its end listened before, as it is written so far: a second
/// one is held at the line that it prints, and shows where it listens.
testing::AssertionResult came_as_far_as_listen(Server& ended)
{
    Server held("0", "", "", Program::Output::full);
    const bool listens = held.listens() || !listening_sockets_of(held.pid()).empty();
    return Talk(listens ? held : ended).is_connected();
}

/// Success if the line is the first that this server has printed.
testing::AssertionResult prints_the_line(Server& server)
{
    server.until([&] { return contains(server.out(), line + "\n"); }, times::soon);
    const std::string out = server.out();
    if (out.starts_with(line + "\n")) { // a connection may have been printed, too
        return testing::AssertionSuccess();
    }
    Finding finding{"",
                    fill("{line} on standard output", {{"line", quote(line + "\n")}}),
                    out.empty() ? "nothing" : quote(out),
                    "",
                    step::listen,
                    "ss -ltn"};
    if (contains(server.err(), line)) {
        finding.diagnosis =
            "The line is on standard error. The notebook's print writes to standard output.";
    } else if (!out.empty() && !out.starts_with("Accept")) {
        finding.diagnosis = diagnose_lines({line}, out.substr(0, out.find('\n') + 1));
    } else {
        server.set_aside(); // it may hold port 9999
        finding.diagnosis = appears_on_a_terminal([&](Server&) { return line; })
                                ? in_a_buffer
                                : "The server listens, but the line is not printed.";
    }
    return not_yet(server, "server", finding);
}

TEST(NotebookServer, WaitsForConnections)
{
    Server server;
    const bool listens = server.listens();
    if (!listens && server.has_ended() && server.killed_by() == 0) {
        REQUIRE(came_as_far_as_listen(server));
        REQUIRE(prints_the_line(server));
        RecordProperty("note", "Steps 1 to 3 are done. The program listens, prints the line and "
                               "ends, since nothing in it waits for a client yet: accept does.");
        return;
    }
    if (!listens) {
        REQUIRE(Talk(server).is_connected());
    }
    REQUIRE(prints_the_line(server));
    const auto sockets = listening_sockets_of(server.pid());
    if (std::any_of(sockets.begin(), sockets.end(), [](const ListeningSocket& socket) {
            return socket.address == "0.0.0.0" || socket.address == "::";
        })) {
        RecordProperty("note", "It listens on every address of this machine (0.0.0.0), so that "
                               "others can reach it; the notebook's on 127.0.0.1 only.");
    }
}

TEST(NotebookServer, WelcomesAClient)
{
    double quickest = 60;
    std::optional<Server> server;
    std::optional<Talk> client;
    for (int i = 0; i < 4 && Seconds(quickest) > times::held_back;
         ++i) { // TCP_CORK holds it back for 0.2 s
        client.reset();
        server.emplace("1"); // a new one: this may be one that thinks when a client has left
        client.emplace(*server);
        REQUIRE(client->is_connected());
        const auto start = Clock::now();
        REQUIRE(client->is_welcomed());
        double taken = since(start);
        const auto seen = client->pauses();
        const bool is_slow = !seen.empty() && seen.front() < times::late; // but makes no pause
        taken -= is_slow ? seen.front().count() : 0;
        quickest = std::min(quickest, taken);
        if (i == 0) {
            REQUIRE(client->hears_nothing_for(
                times::quiet, "After the welcome it is the client's turn, and it has said nothing.",
                "The server ended its side, or the connection, right behind the welcome (shutdown, "
                "close): nothing more can be sent after that. What comes there is the loop."));
        }
    }
    if (Seconds(quickest) > times::held_back) {
        REQUIRE(client->fails({"nothing", "\"Welcome!\" at once",
                               fill("\"Welcome!\" after {count} seconds",
                                    {{"count", std::to_string(quickest).substr(0, 4)}}),
                               "", step::welcome, by_hand("")}));
    }
}

} // namespace
