// Step 4: the greeting of a name, and of the next one; and the pause before it.
#include "talk.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <future>
#include <thread>
#include <vector>

using namespace lab;

namespace
{

TEST(NotebookServer, GreetsAName)
{
    Server server;
    Talk client(server);
    REQUIRE(client.is_welcomed());
    if (const auto greeted = client.is_greeted("Yam"); !greeted) {
        client.leave();
        Talk next(server, true);
        if (next.is_welcomed()) {
            static_cast<void>(next.is_greeted("Sarah"));
            carry("greeting", client.heard(), "Yam", next.heard(), "Sarah");
        }
        REQUIRE(greeted);
    }
}

const std::string busy = "The pause is spent in a loop that looks at a clock and keeps a processor "
                         "busy (clock() counts the time of all threads): sleep waits without it.";

/// Lets a client say Yam three times: at once, when it has been silent for longer than a pause, and
/// at once again. How long the server took, in seconds: as its own calls have it, where they are
/// seen, or else as the client does.
testing::AssertionResult measure_pauses(Server& server, Talk& client, std::vector<double>& pauses)
{
    if (const auto welcomed = client.is_welcomed(); !welcomed) {
        return welcomed;
    }
    for (const bool has_rested : {false, true, false}) {
        if (has_rested) {
            std::this_thread::sleep_for(Seconds(server.delay()) + times::moment);
        }
        const auto start = Clock::now();
        if (const auto greeted = client.is_greeted("Yam"); !greeted) {
            return greeted;
        }
        pauses.push_back(since(start));
    }
    const auto seen = client.pauses();
    for (std::size_t i = 0; i < pauses.size() && seen.size() > pauses.size(); ++i) {
        pauses[i] = seen[i + 1].count(); // behind the welcome
    }
    return testing::AssertionSuccess();
}

/// Success if the pauses are what was asked for.
testing::AssertionResult thinks(Server& server, Talk& client)
{
    std::vector<double> pauses;
    if (const auto measured = measure_pauses(server, client, pauses); !measured) {
        return measured;
    }
    const double expected = server.delay();
    const double shortest = std::min({pauses[0], pauses[1], pauses[2]});
    const double longest = std::max({pauses[0], pauses[1], pauses[2]});
    const bool grows =
        pauses[1] - pauses[0] > 0.6 * expected && pauses[2] - pauses[1] > 0.6 * expected;
    const bool is_busy = static_cast<double>(activity_of(server.pid()).ticks) >
                         80 * expected; // hundredths of a second
    if (shortest >= expected - 0.01 && shortest < expected + 0.5 && !grows) {
        return testing::AssertionSuccess();
    }
    return client.fails(
        {"\"Yam\", three times",
         fill("each answer after a pause of {count} seconds", {{"count", digits(expected)}}),
         fill("answers after {first}, {rested} and {next} seconds", {{"first", digits(pauses[0])},
                                                                     {"rested", digits(pauses[1])},
                                                                     {"next", digits(pauses[2])}}),
         is_busy && shortest > times::half * expected ? busy
         : shortest > 0.95 && longest < 1.3 && expected < 0.95
             ? "The pause is a second, whatever delay is asked for on the command line."
         : grows ? "The pause grows with each message: its length is changed, or a pause "
                   "is added, in each round of the loop."
                 : "",
         step::pause, "./client (a second passes before each greeting)"});
}

/// Success if a message that came during the pause is answered after a pause of its own.
testing::AssertionResult takes_one_message_at_a_time(Server& server, Talk& client)
{
    double gap = 0;
    for (int i = 0; i < 3; ++i) { // a machine may be busy
        client.say("Yam");
        std::this_thread::sleep_for((1 - times::most) * Seconds(server.delay()));
        client.say("May");
        const std::string answer = greeting_of("Yam");
        if (client.peer().receive(answer.size(), Seconds(server.delay()) + times::a_while) !=
            answer) {
            return testing::AssertionSuccess(); // they were taken for one message
        }
        const auto start = Clock::now();
        static_cast<void>(
            client.peer().receive(answer.size(), Seconds(server.delay()) + times::a_while));
        gap = since(start);
        if (gap >= times::half * server.delay()) {
            return testing::AssertionSuccess();
        }
    }
    return not_yet(
        server, "server",
        {"\"Yam\" and, during the pause, \"May\"",
         fill("an answer to \"May\" that comes {count} seconds after the one to \"Yam\"",
              {{"count", digits(server.delay())}}),
         fill("an answer to \"May\" {count} seconds after the one to \"Yam\"",
              {{"count", digits(gap)}}),
         "Messages of one client are answered side by side, each with a pause of its own (a timer, "
         "or a thread, for each message). recv is called again when the answer has been sent.",
         step::pause, "(printf Yam; sleep 0.5; printf May; sleep 3) | nc -q0 127.0.0.1 9999"});
}

/// Success if the server also thinks for the notebook's own second: a pause that is right for a
/// part of one may fail there.
testing::AssertionResult thinks_for_a_second()
{
    Server server("1");
    Talk client(server, true);
    if (const auto welcomed = client.is_welcomed(); !welcomed) {
        return welcomed;
    }
    const long ticks = activity_of(server.pid()).ticks;
    const auto start = Clock::now();
    if (const auto greeted = client.is_greeted("Yam"); !greeted) {
        return greeted;
    }
    const auto seen = client.pauses();
    const double pause = seen.size() < 2 ? since(start) : seen[1].count();
    const bool is_busy = activity_of(server.pid()).ticks - ticks > 60; // hundredths of a second
    if (pause >= 0.99 && !is_busy) {
        return testing::AssertionSuccess();
    }
    return client.fails(
        {quote("Yam"), "the answer after a pause of 1 second, for which the server sleeps",
         fill(is_busy ? "the answer after {count} seconds, in which it was at work"
                      : "the answer after {count} seconds",
              {{"count", digits(pause)}}),
         is_busy ? busy : "", step::pause, "./client (a second passes before each greeting)"});
}

TEST(NotebookServer, GreetsAgain)
{
    {
        Server server;
        Talk client(server);
        REQUIRE(client.is_welcomed());
        for (const std::string name :
             {"Sarah", "Yam", "Al", "ex", "it"}) { // some shorter than before
            if (const auto greeted = client.is_greeted(name); !greeted) {
                if (name == "Yam" && client.heard().empty() && client.peer().ended() &&
                    !server.has_ended()) {
                    carry("one message");
                }
                REQUIRE(greeted);
            }
        }
    }
    Server server("0.2");
    auto second = server.delay() == 1
                      ? std::future<testing::AssertionResult>()
                      : std::async(takes_port("SERVER") || !is_foreign("SERVER")
                                       ? std::launch::async
                                       : std::launch::deferred, // with one port it is one at a time
                                   thinks_for_a_second);
    {
        Talk client(server, true);
        if (const auto right = thinks(server, client); !right) {
            carry("another pause");
            REQUIRE(right);
        }
        REQUIRE(takes_one_message_at_a_time(server, client));
    }
    server.set_aside();
    if (second.valid()) {
        REQUIRE(second.get());
    }
}

} // namespace
