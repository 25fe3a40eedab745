// Steps 1 to 4, as far as the welcome. These tests, and those of the other files, hold for every
// server that keeps the notebook's contract, in any language: make test SERVER='python3 my.py'.
#include "lines.hpp"
#include "talk.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>

#include <sys/socket.h>

using namespace lab;

namespace
{

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
    const std::string line = texts()["waiting"];
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
        carry("waiting", out.substr(0, out.find('\n')));
        finding.diagnosis = diagnose_lines({line}, out.substr(0, out.find('\n') + 1));
    } else {
        server.set_aside(); // it may hold port 9999
        const bool is_in_a_buffer = appears_on_a_terminal([&](Server&) { return line; });
        finding.diagnosis =
            is_in_a_buffer ? in_a_buffer : "The server listens, but the line is not printed.";
        if (is_in_a_buffer) {
            carry("no lines");
        }
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
        if (!called(server, "accept") && !called(server, "thread")) {
            RecordProperty("note",
                           "Steps 1 to 3 are done. The program listens, prints the line and "
                           "ends, since nothing in it waits for a client yet: accept does.");
        }
        return;
    }
    if (!listens) {
        REQUIRE(Talk(server).is_connected());
    }
    REQUIRE(prints_the_line(server));
    long bound = 0;
    for (const Call& call : server.calls()) {
        bound = call.kind == "bind" && call.result == 0 ? call.socket : bound;
        if (call.option == SOL_SOCKET * 1000 + SO_REUSEADDR && call.socket == bound && bound != 0) {
            RecordProperty("note", "SO_REUSEADDR is set behind bind, where it changes nothing: a "
                                   "server that is started again may find its port taken.");
            break;
        }
    }
    const auto sockets = listening_sockets_of(server.pid());
    if (std::any_of(sockets.begin(), sockets.end(), [](const ListeningSocket& socket) {
            return socket.address == "0.0.0.0" || socket.address == "::";
        })) {
        RecordProperty("note", "It listens on every address of this machine (0.0.0.0), so that "
                               "others can reach it; the notebook's on 127.0.0.1 only.");
    }
}

/// True if what comes first is seen in the server's socket for a while before it comes.
bool is_seen_held_back(Server& server, Peer& peer)
{
    int looks = 0;
    constexpr int enough = 3; // a segment is under way for less than one; TCP_CORK takes 0.2 s
    server.until(
        [&] {
            const bool is_held = is_held_back(server.port(), port_of(peer));
            const bool has_come = peer.has_news();
            looks = is_held && !has_come ? looks + 1 : 0;
            return has_come || looks == enough;
        },
        times::silence);
    return looks == enough;
}

TEST(NotebookServer, WelcomesAClient)
{
    constexpr int tries = 4; // so many, for a machine that is busy
    for (int i = 1;; ++i) {
        Server server("1"); // a new one: the last may be one that thinks when a client has left
        Talk client(server);
        REQUIRE(client.is_connected());
        const auto start = Clock::now();
        const bool is_late = is_seen_held_back(server, client.peer());
        if (const auto welcomed = client.is_welcomed(); !welcomed) {
            client.leave();
            Talk next(server);
            static_cast<void>(next.is_connected() && next.is_welcomed());
            if (next.heard() == client.heard() && !server.has_ended() && next.is_connected()) {
                carry("welcome", client.heard()); // which may be none
            }
            REQUIRE(welcomed);
        }
        const auto seen = client.pauses();
        const Seconds pause = seen.empty() ? Clock::now() - start : seen.front();
        if (i == 1) {
            REQUIRE(client.hears_nothing_for(
                times::quiet, "After the welcome it is the client's turn, and it has said nothing.",
                "The server ended its side, or the connection, right behind the welcome (shutdown, "
                "close): nothing more can be sent after that. What comes there is the loop."));
        }
        if (!is_late && pause < times::a_second) {
            break;
        }
        if (i == tries) {
            carry("a late welcome");
            REQUIRE(client.fails({"nothing", "\"Welcome!\" at once",
                                  is_late ? "\"Welcome!\", after it was held back by the kernel"
                                          : fill("\"Welcome!\" after {count} seconds",
                                                 {{"count", digits(pause.count())}}),
                                  "", step::welcome, by_hand("")}));
        }
    }
}

} // namespace
