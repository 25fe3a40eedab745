// Step 4: the two lines that are printed about each client.
#include "lines.hpp"
#include "talk.hpp"
#include "tests/watch/text.hpp"

#include <sstream>

using namespace lab;

namespace
{

/// What a server prints in the place of the notebook's line, for the checks behind this one: around
/// two clients' addresses the same; or nothing.
void carry_line(const std::string& what, Server& server)
{
    server.set_aside();
    Server again;
    const bool is_end = what == "closed";
    std::vector<std::string> found;
    std::vector<std::string> addresses;
    for (int i = 0; i < 2; ++i) {
        Talk client(again, true);
        if (!client.is_connected() || !client.is_welcomed()) {
            return;
        }
        const std::string address = client.address();
        if (is_end) {
            static_cast<void>(client.leaves(Talk::by_exit));
        }
        std::string line;
        again.until(
            [&] {
                std::istringstream lines(again.out());
                while (std::getline(lines, line) &&
                       (!contains(line, address) || (is_end && line == accepted(address)))) {
                }
                return contains(line, address);
            },
            times::soon);
        found.push_back(contains(line, address) ? line : "");
        addresses.push_back(address);
    }
    found[0].empty() ? carry("no lines")
                     : carry(what, found[0], addresses[0], found[1], addresses[1]);
}

TEST(NotebookServer, PrintsWhoComesAndGoes)
{
    Server server;
    std::vector<std::string> expected = {texts()["waiting"]};
    for (const bool by_exit : {true, false}) {
        Talk client(server);
        REQUIRE(client.is_welcomed());
        expected.push_back(accepted(client.address()));
        if (const auto printed = prints(server, expected, client.address()); !printed) {
            carry_line("accepted", server);
            REQUIRE(printed);
        }
        if (!is_found("one message")) {
            REQUIRE(client.is_greeted("Yam"));
        }
        if (contains(server.out(), closed(client.address()))) {
            REQUIRE(client.fails(
                {quote("Yam"), "no line about the end, as long as the client is connected",
                 quote(closed(client.address())),
                 "The line is printed while the client is still there: it is the last thing that "
                 "the client's thread does, and not the main loop's, behind its start.",
                 step::lines, "nc 127.0.0.1 9999"}));
        }
        const Talk::Cause cause = by_exit ? Talk::by_exit : Talk::by_closing;
        REQUIRE(client.leaves(cause));
        expected.push_back(closed(client.address()));
        if (const auto printed = prints(server, expected, client.address(), "no other", cause);
            !printed) {
            carry_line("closed", server);
            REQUIRE(printed);
        }
    }
    std::string all;
    for (const std::string& line : expected) {
        all += line + "\n";
    }
    if (server.out() != all && !is_found("no lines")) {
        carry("more lines");
        REQUIRE(not_yet(
            server, "server",
            {"",
             fill("the notebook's lines, in this order, and no others:\n{lines}", {{"lines", all}}),
             "\n" + server.out(), diagnose_lines(expected, server.out()), step::lines,
             "./client"}));
    }
}

} // namespace
