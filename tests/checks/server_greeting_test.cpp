// Step 4: the greeting of a name, and of the next one; and the pause before it.
#include "talk.hpp"

#include <algorithm>
#include <future>
#include <thread>

using namespace lab;

namespace
{

TEST(NotebookServer, GreetsAName)
{
    Server server;
    Talk client(server);
    REQUIRE(client.is_welcomed());
    REQUIRE(client.is_greeted("Yam"));
}

/// How long a server took for three answers, in seconds.
struct Pauses {
    double first = 0;  ///< to the first message
    double rested = 0; ///< to one that came when the client had been silent for longer than a pause
    double next = 0;   ///< to one that followed an answer at once
};

/// Measures them. Failure if the server does not greet.
testing::AssertionResult measure_pauses(Server& server, Talk& client, Pauses& pauses)
{
    if (const auto welcomed = client.is_welcomed(); !welcomed) {
        return welcomed;
    }
    for (double* pause : {&pauses.first, &pauses.rested, &pauses.next}) {
        if (pause == &pauses.rested) {
            std::this_thread::sleep_for(Seconds(server.delay() + 0.1));
        }
        const auto start = Clock::now();
        if (const auto greeted = client.is_greeted("Yam"); !greeted) {
            return greeted;
        }
        *pause = since(start);
    }
    return testing::AssertionSuccess();
}

std::string digits(double value) { return std::to_string(value).substr(0, 4); }

/// What is wrong with pauses of which one is too short; `delay` is what was asked for.
std::string diagnose_short(const Pauses& pauses, double delay)
{
    const auto is_short = [&](double pause) { return pause < 0.6 * delay; };
    if (!is_short(pauses.first) && !is_short(pauses.rested) && !is_short(pauses.next)) {
        return "The pause comes out too short.";
    }
    if (!is_short(pauses.first)) {
        return is_short(pauses.next)
                   ? "Only the first answer waits: what holds the length of the pause is used up "
                     "by it (select counts its timeval down), or the pause stands before the loop."
                   : "The pause stands before recv, or is counted from then: an answer comes at "
                     "once if the client has waited itself. It belongs between recv and the "
                     "answer.";
    }
    return is_short(pauses.next) ? "There is no pause between recv and the answer (or a much too "
                                   "short one: milliseconds, where seconds are meant)."
                                 : "The pause stands behind the answer: the first answer comes at "
                                   "once. It belongs between recv and the answer.";
}

const std::string busy = "The pause is spent in a loop that looks at a clock and keeps a processor "
                         "busy (clock() counts the time of all threads): sleep waits without it.";

/// Success if the pauses are what was asked for.
testing::AssertionResult thinks(Server& server, Talk& client)
{
    Pauses pauses;
    if (const auto measured = measure_pauses(server, client, pauses); !measured) {
        return measured;
    }
    const double expected = server.delay();
    const auto is_longer = [&](double pause, double before) {
        return pause - before > 0.6 * expected;
    };
    const double shortest = std::min({pauses.first, pauses.rested, pauses.next});
    bool grows = is_longer(pauses.rested, pauses.first) && is_longer(pauses.next, pauses.rested);
    double last = pauses.next;
    for (int i = 0; i < 2 && grows; ++i) { // or is the machine busy?
        const auto start = Clock::now();
        grows = client.is_greeted("Yam") && is_longer(since(start), last);
        last = since(start);
    }
    if (shortest >= expected - 0.01 && shortest < expected + 0.5 && !grows) {
        return testing::AssertionSuccess();
    }
    Finding finding{
        "\"Yam\", three times",
        fill("each answer after a pause of {count} seconds", {{"count", digits(expected)}}),
        fill("answers after {first}, {rested} and {next} seconds",
             {{"first", digits(pauses.first)},
              {"rested", digits(pauses.rested)},
              {"next", digits(pauses.next)}}),
        shortest < expected ? diagnose_short(pauses, expected)
        : grows ? "The pause grows with each message: its length is changed, or a pause is added, "
                  "in each round of the loop."
        : shortest > 0.95 && std::max({pauses.first, pauses.rested, pauses.next}) < 1.3
            ? "The pause is a second, whatever delay is asked for on the command line."
            : "The pause is longer than was asked for.",
        step::pause,
        "./client (a second passes before each greeting)"};
    if (static_cast<double>(server.measure("ticks")) > 80 * expected) { // hundredths of a second
        finding.diagnosis = busy;
    }
    if (expected < 1 && shortest < expected) {
        Server another("1.3");
        Talk patient(another, true);
        const auto start = Clock::now();
        if (patient.is_welcomed() && patient.is_greeted("Yam") && since(start) > 0.9) {
            finding.received =
                fill("{answers}; after {longer} seconds when 1.3 were asked for",
                     {{"answers", finding.received}, {"longer", digits(since(start))}});
            if (since(start) < 1.28) {
                finding.diagnosis =
                    "The delay loses its fraction: 0.2 becomes 0, and 1.3 becomes 1. It is not a "
                    "whole number (int, atoi, sleep); use a double, and sleep_for or nanosleep.";
            }
        }
    }
    return not_yet(server, "server", finding);
}

/// Success if a message that came during the pause is answered after a pause of its own.
testing::AssertionResult takes_one_message_at_a_time(Server& server, Talk& client)
{
    double gap = 0;
    for (int i = 0; i < 3; ++i) { // a machine may be busy
        client.say("Yam");
        std::this_thread::sleep_for(Seconds(0.3 * server.delay()));
        client.say("May");
        if (client.peer().receive(11, Seconds(server.delay() + 1)) != "Hello, Yam!") {
            return testing::AssertionSuccess(); // they were taken for one message
        }
        const auto start = Clock::now();
        static_cast<void>(client.peer().receive(11, Seconds(server.delay() + 1)));
        gap = since(start);
        if (gap >= 0.6 * server.delay()) {
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
         step::pause, "(printf Yam; sleep 0.5; printf May; sleep 3) | nc -q0 127.0.0.1 {port}"});
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
    const long ticks = server.measure("ticks");
    const auto start = Clock::now();
    if (const auto greeted = client.is_greeted("Yam"); !greeted) {
        return greeted;
    }
    const double pause = since(start);
    bool is_busy = server.measure("ticks") - ticks > 40; // hundredths of a second
    if (is_busy) {                                       // or is it what a language does at first?
        const long now = server.measure("ticks");
        is_busy = client.is_greeted("Yam") && server.measure("ticks") - now > 40;
    }
    if (pause >= 0.99 && !is_busy) {
        return testing::AssertionSuccess();
    }
    return not_yet(
        server, "server",
        {quote("Yam"), "the answer after a pause of 1 second, for which the server sleeps",
         fill(is_busy ? "the answer after {count} seconds, in which it was at work"
                      : "the answer after {count} seconds",
              {{"count", digits(pause)}}),
         is_busy
             ? busy
             : "With a pause of 0.2 seconds the server waits, with one of a whole second it does "
               "not: nanosleep takes less than 1,000,000,000 nanoseconds in tv_nsec, select and "
               "usleep less than 1,000,000 microseconds. Whole seconds belong in tv_sec.",
         step::pause, "./client (a second passes before each greeting)"});
}

TEST(NotebookServer, GreetsAgain)
{
    {
        Server server;
        Talk client(server);
        REQUIRE(client.is_welcomed());
        for (const std::string name :
             {"Sarah", "Yam", "Al", "ex", "it"}) { // some shorter than before
            REQUIRE(client.is_greeted(name));
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
        REQUIRE(thinks(server, client));
        REQUIRE(takes_one_message_at_a_time(server, client));
    }
    server.set_aside();
    if (second.valid()) {
        REQUIRE(second.get());
    }
}

} // namespace
