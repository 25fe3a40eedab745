// Step 5: the greeting client as the notebook has it, seen from a server that the test plays
// itself. These tests hold for every client that keeps the notebook's contract, in any language:
// make test CLIENT='python3 my.py'.
#include "tests/watch/process.hpp"
#include "tests/watch/text.hpp"
#include "visit.hpp"

#include <algorithm>

using namespace lab;

namespace
{

TEST(NotebookClient, WaitsToBeWelcomed)
{
    Visit visit;
    REQUIRE(visit.connects());
    REQUIRE(visit.hears_nothing_for(
        times::quiet, line::welcome,
        "The client spoke before it was welcomed: the first recv stands before the first send."));
}

TEST(NotebookClient, SendsOneNameAtATime)
{
    Visit visit;
    REQUIRE(visit.connects());
    visit.server->say("Welcome!");
    const std::string waits = "The next message came before the answer to the one before it: each "
                              "send is followed by a recv.";
    const std::string impatient =
        "The client did not wait for its answer as long as the server thinks, a second: recv waits "
        "as long as it takes.";
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::vector<std::string> next(names.begin() + static_cast<long>(i) + 1, names.end());
        next.emplace_back("exit");
        if (const auto heard = visit.hears(names[i], line::send, next); !heard) {
            if (i == 0) {
                const std::string first = visit.heard();
                visit.server->say("Hello, " + names[i] + "!");
                static_cast<void>(visit.hears(names[1], line::send, {}));
                carry("name", first, names[0], visit.heard(), names[1]);
            }
            REQUIRE(heard);
        }
        REQUIRE(visit.hears_nothing_for(times::quiet, line::print, waits));
        if (i == 0) { // the notebook's server thinks for a second
            REQUIRE(visit.hears_nothing_for(times::a_second, line::print, impatient, impatient));
        }
        visit.server->say("Hello, " + names[i] + "!");
    }
}

/// Success if the client prints what came also where that is not what the notebook's server says.
testing::AssertionResult prints_another_answer()
{
    Visit visit; // answers of the same lengths: some clients receive just so many bytes
    if (!visit.connects()) {
        return testing::AssertionSuccess();
    }
    std::string expected = "Bonjour!\n";
    visit.server->say("Bonjour!");
    for (const std::string& name : names) {
        if (!visit.hears(name, line::send, {})) {
            return testing::AssertionSuccess(); // it looks at what comes, which is its own affair
        }
        visit.server->say("Howdy, " + name + "!");
        expected += "Howdy, " + name + "!\n";
    }
    visit.client.until([&] { return visit.server->has_news(); }, times::soon); // its good-bye
    visit.server->half_close();
    visit.client.status(times::a_while);
    const std::string out = visit.client.out();
    const auto has_line = [&](const std::string& line) {
        return contains("\n" + out, "\n" + line + "\n");
    };
    if (!has_line("Welcome!") && !has_line("Hello, " + names.front() + "!")) {
        return testing::AssertionSuccess();
    }
    return visit.fails({"\"Bonjour!\", and to each name \"Howdy, NAME!\"", expected, shortened(out),
                        "The client prints a text of its own, whatever the server has sent: what "
                        "recv returned is what is printed.",
                        line::print, ""});
}

TEST(NotebookClient, PrintsWhatItReceives)
{
    const std::string look_at = line::print;
    Visit visit;
    REQUIRE(visit.connects());
    visit.server->say("Welcome!");
    REQUIRE(visit.hears("Yam", line::send, {"May", "Sarah", "exit"}));
    const bool at_once = visit.client.until(
        [&] { return visit.client.out().find('\n') != std::string::npos; }, times::in_a_burst);
    for (std::size_t i = 0; i < names.size(); ++i) {
        visit.server->say("Hello, " + names[i] + "!");
        if (i + 1 < names.size()) {
            REQUIRE(visit.hears(names[i + 1], line::send, {}));
        }
    }
    visit.client.until([&] { return visit.server->has_news(); }, times::soon); // its good-bye
    const std::string behind = visit.server->receive_now();
    visit.server->half_close(); // a client may wait for this
    visit.client.status(times::a_while);
    const std::vector<std::string> lines = {"Welcome!", "Hello, Yam!", "Hello, May!",
                                            "Hello, Sarah!"};
    std::string expected;
    for (const std::string& each : lines) {
        expected += each + "\n";
    }
    const std::string out = visit.client.out();
    if (out != expected) {
        Finding finding{
            "",      expected, out.empty() ? "nothing" : shortened(out), diagnose_lines(lines, out),
            look_at, ""};
        const bool is_all_there = out.starts_with(expected);
        if (out == expected + "exit\n") {
            finding.diagnosis =
                "exit is printed; it is not a line for the screen, but the client's "
                "last message, which is sent.";
        } else if (!behind.starts_with("exit") && is_all_there &&
                   trimmed(out.substr(expected.size())).empty()) {
            finding.received = fill("{lines}and {bytes} was sent behind the last name",
                                    {{"lines", shortened(out)}, {"bytes", quote(behind)}});
            finding.diagnosis =
                "The loop goes on behind the last name: its bound is not the number of the names "
                "(in C, sizeof names is a number of bytes; divide it by sizeof names[0]).";
        }
        if (out.empty()) {
            finding.diagnosis =
                contains(visit.client.err(), "Welcome!")
                    ? "The lines are on standard error. The notebook's print writes to standard "
                      "output."
                : visit.client.has_ended() && visit.prints_at_once()
                    ? "On a terminal the lines appear, in a file or a pipe not: they stay in a "
                      "buffer, and the program ends without writing it out (_exit, a signal)."
                    : "Nothing is printed: each recv is inside a print.";
        }
        REQUIRE(visit.fails(finding));
    }
    visit.gives_its_ports_back();
    REQUIRE(prints_another_answer());
    if (!at_once) {
        Visit again(Program::Output::terminal);
        REQUIRE(again.connects());
        again.server->say("Welcome!");
        const bool appears = again.client.until(
            [&] { return again.client.out().find("Welcome!\n") != std::string::npos; },
            times::soon);
        if (appears) { // as the notebook's own client does, it holds lines back in a file only
            RecordProperty("note", "In a file or a pipe, the lines come only in the end: they stay "
                                   "in a buffer. On a terminal they appear at once.");
            return;
        }
        REQUIRE(visit.fails({"\"Welcome!\" (8 bytes)",
                             "the line \"Welcome!\" before the client waits for the next answer",
                             "the line, but only later",
                             "The lines are printed only in the end: print each answer when it has "
                             "come (and flush it, if it stays in a buffer).",
                             look_at, ""}));
    }
}

TEST(NotebookClient, LeavesWithExit)
{
    Visit visit;
    REQUIRE(visit.converses(names.size()));
    if (const auto heard = visit.hears("exit", line::leave, {}); !heard) {
        if (visit.heard().empty() && visit.server->ended()) {
            carry("no exit"); // which the two together do not need
        }
        REQUIRE(heard);
    }
    visit.client.until([&] { return visit.server->has_news(); }, times::in_a_burst);
    visit.server->half_close(); // a client may wait for the server's end before it closes
    visit.client.until([&] { return visit.server->has_news(); }, times::a_while);
    const std::string rest = visit.server->receive_now();
    if (!rest.empty() || !visit.server->ended()) {
        REQUIRE(visit.fails(
            {"the end of the connection", "the end of the connection",
             rest.empty() ? "nothing, and the connection is still open" : quote(rest),
             rest.empty()
                 ? "The client has said exit, the server has closed, and the client has not: does "
                   "a loop go on? At the end recv returns nothing (0, b''), at once and each time."
                 : "Something is sent behind exit.",
             line::leave, ""}));
    }
    if (visit.server->was_reset()) {
        REQUIRE(
            visit.fails({"the end of the connection", "the end of the connection",
                         "a reset (RST) where an end (FIN) was expected", "", line::leave, ""}));
    }
    const int status = visit.client.status(times::silence);
    if (status != 0) {
        REQUIRE(visit.fails(
            {"", "a client that ends, with exit status 0",
             status == -1 ? "a client that goes on"
                          : fill("exit status {number}", {{"number", std::to_string(status)}}),
             status == -1 ? "The connection is closed, but the program does not end."
             : diagnose_end(visit.client, false).empty()
                 ? "What main returns is the exit status: 0 says that all went well."
                 : diagnose_end(visit.client, false),
             line::leave, ""}));
    }

    visit.gives_its_ports_back();
    Visit cut_short;
    REQUIRE(cut_short.converses(1));
    cut_short.server->half_close(); // and takes what still comes: no reset ends it
    if (cut_short.client.until([] { return false; }, times::a_while);
        !cut_short.client.has_ended()) {
        REQUIRE(cut_short.fails(
            {"\"Hello, Yam!\", and then the end of the connection", "a client that ends",
             "a client that goes on",
             activity_of(cut_short.client.pid()).ticks > 30
                 ? "A loop goes round and round: when the server has closed, recv returns nothing "
                   "(0, b''), at once and each time. Nothing more will come then."
                 : "The server has gone, and the client waits on.",
             line::leave, ""}));
    }
    std::string nobody_there = client_command(1);
    if (client_port() == 0) {
        Program refused(nobody_there);
        refused.until([&] { return refused.has_ended(); }, times::a_while);
        if (!refused.has_ended() && refused.out().empty() && refused.err().empty()) {
            REQUIRE(not_yet(refused, "client",
                            {"", "without a server, an exit status that is not 0",
                             "neither an end nor a word", "", line::connect,
                             "./client, without a server"}));
        }
        if (refused.status(Seconds(0)) == 0) {
            REQUIRE(not_yet(
                refused, "client",
                {"", "without a server, an exit status that is not 0", "exit status 0",
                 "connect fails when nobody listens. A program that goes on as if it had not must "
                 "at least not say that all went well: look at what connect returns.",
                 line::connect, "./client, without a server; then: echo $?"}));
        }
    }
}

TEST(Notebook, TheTwoTogether)
{
    if (is_foreign("SERVER") != is_foreign("CLIENT")) {
        GTEST_SKIP() << "it takes both, SERVER and CLIENT";
    }
    Server server;
    server.listens();
    Program client(client_command(server.port()));
    client.status(patience);
    const std::vector<std::string> lines = {"Welcome!", "Hello, Yam!", "Hello, May!",
                                            "Hello, Sarah!"};
    const std::string expected = "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n";
    const bool is_expected = client.out() == expected || !are_the_notebooks();
    if (!is_expected || client.status(Seconds(0)) != 0) {
        REQUIRE(
            not_yet(client, "client",
                    {"", expected, client.out().empty() ? "nothing" : shortened(client.out()),
                     diagnose_lines(lines, client.out()),
                     fill("steps 4 and 5, and the server, which {fate}", {{"fate", server.fate()}}),
                     "./server, and in the second terminal: ./client"}));
    }
}

} // namespace
