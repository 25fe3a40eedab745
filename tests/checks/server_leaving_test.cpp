// Step 4: how a client leaves, with exit or by closing, and what is taken for it wrongly.
#include "lines.hpp"
#include "talk.hpp"
#include "tests/watch/process.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <sys/socket.h>

using namespace lab;

namespace
{

TEST(NotebookServer, SaysGoodBye)
{
    Server server;
    for (const bool after_a_name : {false, true}) {
        Talk client(server);
        REQUIRE(client.is_welcomed());
        if (after_a_name && !is_found("one message")) {
            REQUIRE(client.is_greeted("Sarah")); // longer than exit
        }
        if (const auto left = client.leaves(Talk::by_exit); !left) {
            if (client.heard() == greeting_of("exit")) {
                carry("exit is greeted");
            } else if (client.heard().empty() && !client.peer().ended()) {
                carry("no end");
            }
            REQUIRE(left);
        }
        eventually([&] { return server.has_ended(); }, times::moment);
        if (server.has_ended()) {
            REQUIRE(client.fails(
                {quote("exit"), "the end of this connection, and a server that goes on",
                 "the end of the whole server", "", step::leave, by_hand("exit")}));
        }
    }
    std::vector<std::string> names = {"exits", "my exit", "exi",
                                      "Exit",  "exit\n",  std::string("exit\0", 5)};
    if (server.delay() == 0) {
        names.insert(names.end(), {"exit!", "e", "EXIT", " exit", "exit "});
    }
    std::vector<std::string> closed;
    std::optional<Talk> client;
    for (const std::string& name : names) {
        if (!client) {
            client.emplace(server, true);
            REQUIRE(client->is_welcomed());
        }
        client->say(name);
        server.until([&] { return client->peer().has_news(); },
                     Seconds(server.delay()) + times::silence);
        if (client->peer().receive(greeting_of(name).size(), times::moment).empty() &&
            client->peer().ended()) {
            closed.push_back(name);
            client.reset();
        } else if (is_found("one message")) {
            client.reset();
        }
    }
    if (!closed.empty()) {
        REQUIRE(not_yet(server, "server",
                        {quote(closed.front()), quote(greeting_of(closed.front())),
                         "nothing, and the end of the connection", diagnose_exit(closed),
                         step::leave, by_hand(closed.front())}));
    }
}

TEST(NotebookServer, NoticesWhoLeaves)
{
    Server server("0.3"); // so that an end that comes with a name is seen before the answer is due
    server.listens();
    const long processes = activity_of(server.pid()).processes;
    {
        Talk client(server);
        REQUIRE(client.is_welcomed());
        const auto start = Clock::now();
        if (const auto left = client.leaves(Talk::by_closing); !left) {
            if (!client.peer().was_reset() && !server.has_ended()) {
                carry("the end is not noticed");
            }
            REQUIRE(left);
        }
        if (since(start) < times::half * server.delay()) {
            RecordProperty("note", "A client that leaves sees the end at once. The notebook's "
                                   "server looks at what recv has returned after its pause.");
        }
    }
    for (bool is_hasty = false; !is_hasty;) { // both are to be there before the answer is due
        Talk hasty(server);
        REQUIRE(hasty.is_welcomed());
        const auto start = Clock::now();
        hasty.say("Yam");
        hasty.half_close();
        is_hasty = since(start) < times::half * server.delay();
        REQUIRE(hasty.hears_greeting("Yam"));
        REQUIRE(hasty.sees_the_end(Talk::by_closing));
    }
    {
        Talk leaver(server);
        REQUIRE(leaver.is_welcomed());
    }
    eventually([&] { return server.has_ended(); }, times::moment);
    Talk silent(server);
    REQUIRE(silent.is_welcomed());
    // A time-out that is set is given the time to pass.
    Seconds idle = server.calls().empty() ? times::idle : times::a_while;
    for (const Call& call : server.calls()) {
        const bool has_timeout =
            call.kind == "poll" || call.option == SOL_SOCKET * 1000 + SO_RCVTIMEO;
        idle = has_timeout && call.pause < times::longest_idle
                   ? std::max(idle, call.pause + times::soon)
                   : idle;
    }
    const auto silent_since = Clock::now();
    double share = 1;                            // of the time, in which it was at work
    for (int i = 0; i < 2 && share > 0.5; ++i) { // a language may have to begin
        int looks = 0;
        int seen_at_work = 0;
        eventually(
            [&] {
                ++looks;
                seen_at_work += activity_of(server.pid()).runs ? 1 : 0;
                return silent.peer().has_news(times::between_readings) || server.has_ended();
            },
            idle);
        share = static_cast<double>(seen_at_work) / looks;
    }
    REQUIRE(silent.hears_nothing_for(
        Seconds(0), "A client that has said nothing yet was not left alone: the notebook's recv "
                    "waits, without a limit (no settimeout, no SO_RCVTIMEO)."));
    const auto calls = server.calls();
    const bool sweeps = std::any_of(calls.begin(), calls.end(), [&](const Call& call) {
        return call.kind == "sleep" && call.begin > silent_since && call.pause > Seconds(0);
    }); // it looks, and sleeps, in turn: a trace makes that cost more
    if (share > 0.5 && !sweeps) {
        const bool children = activity_of(server.pid()).processes > processes + 1;
        REQUIRE(silent.fails(
            {"nothing", "a server that uses no CPU time while nobody says anything",
             fill("a server that was at work {share} % of that time",
                  {{"share", std::to_string(std::lround(share * 100))}}),
             children ? child_goes_on
                      : "A loop goes round and round without waiting: after a client has closed, "
                        "recv returns nothing at once, each time; or a socket does not block.",
             step::leave, "top"}));
    }
    if (!silent.is_greeted("May")) {
        REQUIRE(silent.fails(
            {"\"May\" (3 bytes), after a silence", quote(greeting_of("May")), "no greeting",
             "A client that says nothing for a while is not served any more: the "
             "notebook's recv waits, without a limit (no settimeout, no SO_RCVTIMEO).",
             step::recv, "nc 127.0.0.1 9999, wait, then type a name"}));
    }
}

} // namespace
