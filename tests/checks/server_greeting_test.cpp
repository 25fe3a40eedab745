// Step 4: the greeting of a name, and of the next one; and the pause before it.
#include "talk.hpp"

#include <algorithm>

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

/// Measures how long this server thinks before it greets, in seconds. Failure if it does not greet.
testing::AssertionResult measure_pause(Server& server, double& pause)
{
    Talk client(server, true);
    if (const auto welcomed = client.is_welcomed(); !welcomed) {
        return welcomed;
    }
    pause = 60;
    for (int i = 0; i < 2 && pause > server.delay() + 0.3; ++i) {
        const auto start = Clock::now();
        if (const auto greeted = client.is_greeted("Yam"); !greeted) {
            return greeted;
        }
        pause = std::min(pause, since(start));
    }
    return testing::AssertionSuccess();
}

std::string digits(double value) { return std::to_string(value).substr(0, 4); }

/// Success if the pause is the one that was asked for.
testing::AssertionResult thinks(Server& server)
{
    double pause = 0;
    if (const auto measured = measure_pause(server, pause); !measured) {
        return measured;
    }
    const double expected = server.delay();
    if (pause >= expected - 0.01 && pause < expected + 0.5) {
        return testing::AssertionSuccess();
    }
    Finding finding{
        quote("Yam"),
        fill("the answer after a pause of {count} seconds", {{"count", digits(expected)}}),
        fill("the answer after {count} seconds", {{"count", digits(pause)}}),
        "",
        step::pause,
        by_hand("Yam")};
    if (expected < 1 && pause < expected) {
        Server another("1.3");
        double longer = 0;
        static_cast<void>(measure_pause(another, longer));
        if (longer > 0.9) {
            finding.received = fill("the answer after {count} seconds; after {longer} seconds when "
                                    "1.3 were asked for",
                                    {{"count", digits(pause)}, {"longer", digits(longer)}});
        }
        finding.diagnosis =
            longer > 1.28 ? "The pause comes out too short."
            : longer > 0.9
                ? "The delay loses its fraction: 0.3 becomes 0, and 1.3 becomes 1. It is not a "
                  "whole number (int, atoi, sleep); use a double, and sleep_for or nanosleep."
                : "There is no pause between recv and the answer (or a much too short one: "
                  "milliseconds, where seconds are meant).";
    } else if (pause < expected) {
        finding.diagnosis = "There is no pause of a second between recv and the answer.";
    } else {
        finding.diagnosis =
            pause > 0.9 && pause < 1.5 && expected < 0.9
                ? "The pause is a second, whatever delay is asked for on the command line."
                : "The pause is longer than was asked for.";
    }
    return not_yet(server, "server", finding);
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
    Server server("0.3");
    REQUIRE(thinks(server));
}

} // namespace
