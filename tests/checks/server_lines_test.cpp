// Step 4: the two lines that are printed about each client.
#include "lines.hpp"
#include "talk.hpp"
#include "tests/watch/text.hpp"

using namespace lab;

namespace
{

TEST(NotebookServer, PrintsWhoComesAndGoes)
{
    Server server;
    std::vector<std::string> expected = {"Waiting for connection..."};
    for (const bool by_exit : {true, false}) {
        Talk client(server);
        REQUIRE(client.is_welcomed());
        expected.push_back(accepted(client.address()));
        REQUIRE(prints(server, expected, client.address()));
        REQUIRE(client.is_greeted("Yam"));
        if (contains(server.out(), closed(client.address()))) {
            REQUIRE(client.fails(
                {quote("Yam"), "no line about the end, as long as the client is connected",
                 quote(closed(client.address())),
                 "The line is printed while the client is still there: it is the last thing that "
                 "the client's thread does, and not the main loop's, behind its start.",
                 step::lines, "nc 127.0.0.1 9999"}));
        }
        if (by_exit) {
            client.say("exit");
        } else {
            client.peer().half_close();
        }
        const Talk::Cause cause = by_exit ? Talk::by_exit : Talk::by_closing;
        REQUIRE(client.sees_the_end(cause));
        expected.push_back(closed(client.address()));
        REQUIRE(prints(server, expected, client.address(), "no other", cause));
    }
    std::string all;
    for (const std::string& line : expected) {
        all += line + "\n";
    }
    if (server.out() != all) {
        REQUIRE(not_yet(
            server, "server",
            {"",
             fill("the notebook's lines, in this order, and no others:\n{lines}", {{"lines", all}}),
             "\n" + server.out(), diagnose_lines(expected, server.out()), step::lines,
             "./client"}));
    }
}

} // namespace
