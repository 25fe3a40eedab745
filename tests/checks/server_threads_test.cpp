// Step 4: a thread for each client.
#include "crowd.hpp"
#include "lines.hpp"
#include "talk.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>

using namespace lab;

namespace
{

const std::string one_after_another =
    "The clients are greeted one after another: one waits for another's pause.";

const std::string too_short =
    "Pauses of several clients at the same time come out too short: the time is not the wall's. "
    "clock() counts the processor time of all threads together; sleep waits for a time.";

/// Two clients send at the same moment: both wait for one pause, not one for both.
testing::AssertionResult greets_both_at_once(Server& server, Talk& one, Talk& two)
{
    const auto before = Clock::now();
    if (const auto alone = one.is_greeted("Sarah"); !alone) {
        return alone;
    }
    if (is_found("another pause")) {
        return testing::AssertionSuccess();
    }
    const double most = std::max(server.delay(), since(before)) * 1.7;
    double quickest = 60;
    for (int i = 0; i < 3 && quickest > most; ++i) {
        const auto start = Clock::now();
        one.say("Yam");
        two.say("May");
        for (const auto& heard :
             {one.hears_greeting("Yam", {"May"}), two.hears_greeting("May", {"Yam"})}) {
            if (!heard) {
                return heard;
            }
        }
        quickest = std::min(quickest, since(start));
    }
    if (quickest < times::most * server.delay()) {
        return two.fails({"\"Yam\" and \"May\", from two clients at the same moment",
                          "two answers after one pause", "two answers, before it had passed",
                          too_short, step::pause, "./client, and ./client in a third terminal",
                          "many"});
    }
    if (quickest <= most) {
        return testing::AssertionSuccess();
    }
    return two.fails({"\"Yam\" and \"May\", from two clients at the same moment",
                      "two answers after one pause", "one after the other", one_after_another,
                      step::accept, "./client, and ./client in a third terminal"});
}

TEST(NotebookServer, ServesManyAtOnce)
{
    Server server("0.4");
    Talk silent(server);
    REQUIRE(silent.is_welcomed());
    {
        Talk second(server);
        REQUIRE(second.is_connected());
        if (!welcome_text().empty() &&
            !server.until([&] { return second.peer().has_news(); }, times::silence)) {
            carry("one at a time");
            REQUIRE(second.fails(
                {"nothing; another client is connected and silent", "\"Welcome!\"", "nothing", "",
                 step::accept, "nc 127.0.0.1 9999, and nc 127.0.0.1 9999 in a third one", "many"}));
        }
        REQUIRE(second.is_welcomed());
        second.is_beside(silent);
        silent.is_beside(second);
        REQUIRE(second.is_greeted("May"));
        REQUIRE(silent.is_greeted("Yam", {"May"}));
        if (is_found("one message")) {
            return; // what follows takes more
        }
        REQUIRE(greets_both_at_once(server, silent, second));
        REQUIRE(second.leaves(Talk::by_exit));
        const std::string one = silent.address();
        const std::string two = second.address();
        REQUIRE(prints(server, {accepted(one), accepted(two), closed(two)}, two, one));
        if (silent.peer().has_news(times::moment) || server.has_ended()) {
            REQUIRE(silent.fails(
                {"\"exit\" from another client", "that this client is served on",
                 "the end of this client's connection",
                 "The exit of one client ended the service of another: what ends here is the loop "
                 "of one thread (break), and not the server, nor another client's socket.",
                 step::leave, by_hand("exit")}));
        }
        REQUIRE(silent.is_greeted("Sarah"));
        Talk third(server);
        REQUIRE(
            third.is_welcomed()); // the last that came, so that a shared variable holds its address
        REQUIRE(silent.leaves(Talk::by_exit));
        REQUIRE(prints(server, {accepted(one), accepted(two), closed(two), closed(one)}, one,
                       third.address()));
        silent.leave();
        Talk fourth(server); // gets the descriptor that has become free, below the third one's
        REQUIRE(fourth.is_welcomed());
        third.say("Yam");
        const auto start = Clock::now();
        {
            Talk passer(server, true); // others come and go during a pause, which is this client's
            REQUIRE(passer.is_welcomed());
        }
        REQUIRE(third.hears_greeting("Yam"));
        const double least = times::most * server.delay() - times::moment.count();
        if (since(start) < least && !is_found("another pause")) {
            REQUIRE(third.fails(
                {"\"Yam\" (3 bytes), and another client came and left",
                 fill("the answer after {count} seconds", {{"count", digits(server.delay())}}),
                 fill("the answer after {count} seconds", {{"count", digits(since(start))}}), "",
                 step::pause, "./client, and ./client in a third terminal"}));
        }
    }
    for (int round = 0; round < 3; ++round) {
        bool lacks_room = false;
        REQUIRE(serves_five_in_one_instant(server, lacks_room));
        if (lacks_room) {
            RecordProperty("note", "The backlog, which listen is given, is small: of clients that "
                                   "come in one instant, some wait for seconds.");
            break;
        }
    }
    if (takes_port("SERVER")) {
        REQUIRE(prints_whole_lines());
    }
    std::vector<Talk> clients;
    std::vector<std::string> names;
    clients.reserve(30);
    for (int i = 0; i < 30; ++i) {
        clients.emplace_back(server, true);
        for (std::size_t other = 0; other + 1 < clients.size(); ++other) {
            clients[other].is_beside(clients.back());
            clients.back().is_beside(clients[other]);
        }
        names.push_back("client " + std::to_string(i));
        if (const auto welcomed = clients.back().is_welcomed(); !welcomed) {
            Report report = reports_in(welcomed.message());
            report.push_back({"", fill("(This was client number {number} of 30 at the same time.)",
                                       {{"number", std::to_string(i + 1)}})});
            REQUIRE(failure(report));
        }
    }
    const auto start = Clock::now();
    for (std::size_t i = 0; i < clients.size(); ++i) {
        clients[i].say(names[i]);
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        REQUIRE(clients[i].hears_greeting(names[i], names));
    }
    const double taken = since(start);
    const bool quick = taken < times::most * server.delay();
    if (!is_found("another pause") && (quick || taken > 30 * server.delay() * 0.7)) {
        REQUIRE(silent.fails({"a name from each of 30 clients at the same time",
                              fill("30 greetings in about {count} seconds",
                                   {{"count", std::to_string(server.delay()).substr(0, 3)}}),
                              fill("30 greetings in {count} seconds", {{"count", digits(taken)}}),
                              quick ? too_short : one_after_another, step::accept,
                              "for i in $(seq 30); do ./client & done"}));
    }
}

} // namespace
