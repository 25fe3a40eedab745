// Step 4: a thread for each client.
#include "lines.hpp"
#include "process.hpp"
#include "talk.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <thread>

using namespace lab;

namespace
{

const std::string by_value =
    "The threads share one variable: the loop's socket is handed over by its address (&sock, [&], "
    "a pointer, a global), and when the thread looks, the next client is already in it. Hand the "
    "socket and the address over by value.";

const std::string one_after_another =
    "The clients are greeted one after another: one waits for another's pause. No thread may hold "
    "a lock while it sleeps, and an event loop must not wait in the pause itself (setTimeout, "
    "await).";

/// Why some of them were not welcomed: finds out by waiting longer, and by letting some leave.
std::string why_not_all(Server& server, std::vector<std::optional<Peer>>& peers,
                        std::vector<std::string>& welcomes)
{
    const auto welcomed = [&] {
        std::size_t count = 0;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            welcomes[i] += peers[i] ? peers[i]->receive_now() : "";
            count += welcomes[i].empty() ? 0 : 1;
        }
        return count;
    };
    const auto waits = waits_of(server.pid());
    const auto comes_to = [&](std::size_t count) {
        return server.until([&] { return welcomed() >= count; }, Seconds(server.delay() + 1.2));
    };
    const std::size_t before = welcomed();
    if (comes_to(before + 1)) {
        return "They are not welcomed at once: the loop around accept does something else between "
               "two clients (a pause, or the work for one of them). It only starts threads.";
    }
    for (std::size_t i = 0; i < peers.size(); ++i) {
        if (peers[i] && !welcomes[i].empty()) {
            peers[i]->half_close(); // leaves
        }
    }
    if (before > 0 && comes_to(before + 1)) {
        return fill(before == 1 ? "Only {count} client is served at the same time; the next is "
                                  "welcomed when one has left. Is there a join, a lock, a pool, or "
                                  "a limit?"
                                : "Only {count} clients are served at the same time; the next is "
                                  "welcomed when one has left. Is there a join, a lock, a pool, or "
                                  "a limit?",
                    {{"count", std::to_string(before)}});
    }
    const bool accepts = std::count(waits.begin(), waits.end(), "accept") > 0 ||
                         std::count(waits.begin(), waits.end(), "poll") > 0;
    return accepts || waits.empty()
               ? "Not all of them were welcomed. Does each get its own socket, and a thread?"
               : "Not all of them were welcomed, and nobody waits in accept any more: the loop "
                 "around accept has ended (a counter, a break), or waits for something else.";
}

/// Clients that come while the server is stopped for a moment: it finds them all at once.
testing::AssertionResult serves_five_in_one_instant(Server& server)
{
    std::vector<std::thread> arrivals;
    std::vector<std::optional<Peer>> peers(5);
    kill(-server.pid(), SIGSTOP);
    for (std::optional<Peer>& peer : peers) {
        arrivals.emplace_back([&] {
            try {
                peer.emplace(Peer::to(server.port(), "127.0.0.1", Seconds(2)));
            } catch (const std::system_error&) { // there was no room; the others tell
            }
        });
    }
    std::this_thread::sleep_for(Seconds(0.05));
    kill(-server.pid(), SIGCONT);
    for (std::thread& arrival : arrivals) {
        arrival.join();
    }
    std::vector<std::string> welcomes(peers.size());
    const auto all_welcomed = [&] {
        for (std::size_t i = 0; i < peers.size(); ++i) {
            welcomes[i] += peers[i] ? peers[i]->receive_now() : "";
        }
        return std::all_of(welcomes.begin(), welcomes.end(),
                           [](auto& text) { return text.size() >= 8; });
    };
    server.until(all_welcomed, Seconds(1.3));
    eventually([&] { return !all_welcomed(); }, Seconds(0.05)); // a second welcome may follow
    std::string listing;
    bool right = true;
    for (std::size_t i = 0; i < peers.size(); ++i) {
        right = right && welcomes[i] == "Welcome!";
        listing += (i > 0 ? ", " : "") + quote(welcomes[i]);
    }
    const auto is_printed = [&](const std::optional<Peer>& peer) {
        return !peer || server.out().find(accepted(peer->address())) != std::string::npos;
    };
    std::string missing; // an address that is not printed, where another one is printed twice
    if (!server.until([&] { return std::all_of(peers.begin(), peers.end(), is_printed); },
                      Seconds(0.3))) {
        const auto unseen = std::find_if_not(peers.begin(), peers.end(), is_printed);
        for (const std::optional<Peer>& peer : peers) {
            const std::string out = server.out();
            const std::size_t first =
                peer ? out.find(accepted(peer->address())) : std::string::npos;
            if (first != std::string::npos &&
                out.find(accepted(peer->address()), first + 1) != std::string::npos) {
                missing = (*unseen)->address();
            }
        }
    }
    if (right && missing.empty()) {
        for (std::optional<Peer>& peer : peers) {
            if (peer) {
                peer->close(); // in good order
            }
        }
        return testing::AssertionSuccess();
    }
    const bool twice = listing.find("Welcome!Welcome!") != std::string::npos;
    const bool alive = !server.has_ended();
    return not_yet(server, "server",
                   {"nothing, from five clients that connected in one instant",
                    right ? fill("a line \"{line}\"", {{"line", accepted(missing)}})
                          : "\"Welcome!\", once for each of them",
                    right ? "no such line, but another client's twice" : listing,
                    !alive           ? ""
                    : twice || right ? by_value
                                     : why_not_all(server, peers, welcomes),
                    step::accept, "for i in 1 2 3 4 5; do ./client & done"});
}

/// Two clients send at the same moment: both wait for one pause, not one for both.
testing::AssertionResult greets_both_at_once(Server& server, Talk& one, Talk& two)
{
    const auto before = Clock::now();
    if (const auto alone = one.is_greeted("Sarah"); !alone) {
        return alone;
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
        if (!server.until([&] { return second.peer().has_news(); }, Seconds(1.3))) {
            REQUIRE(second.fails(
                {"nothing; another client is connected and silent", "\"Welcome!\"", "nothing",
                 "The server serves one client at a time: while one is silent, the next waits. Is "
                 "a thread started for each (target=tcplink, not tcplink(...)), without join "
                 "before the next accept, and without a lock that it holds while it serves?",
                 step::accept, "nc 127.0.0.1 {port}, and nc 127.0.0.1 {port} in a third one"}));
        }
        REQUIRE(second.is_welcomed());
        second.is_beside(silent);
        silent.is_beside(second);
        REQUIRE(second.is_greeted("May"));
        REQUIRE(silent.is_greeted("Yam", {"May"}));
        REQUIRE(greets_both_at_once(server, silent, second));
        second.say("exit");
        REQUIRE(second.sees_the_end(Talk::by_exit, 1));
        const std::string one = silent.address();
        const std::string two = second.address();
        REQUIRE(prints(server, {accepted(one), accepted(two), closed(two)}, two, one));
        if (silent.peer().has_news(Seconds(0.1)) || server.has_ended()) {
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
        silent.say("exit");
        REQUIRE(silent.sees_the_end(Talk::by_exit, 1));
        REQUIRE(prints(server, {accepted(one), accepted(two), closed(two), closed(one)}, one,
                       third.address()));
    }
    for (int round = 0; round < 3; ++round) {
        REQUIRE(serves_five_in_one_instant(server));
    }
    const auto start = Clock::now();
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
            REQUIRE(
                testing::AssertionFailure()
                << welcomed.message()
                << fill("            (This was client number {number} of 30 at the same time.)\n",
                        {{"number", std::to_string(i + 1)}}));
        }
        clients.back().say(names.back());
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        REQUIRE(clients[i].hears_greeting(names[i], names));
    }
    if (since(start) > 30 * server.delay() * 0.7) {
        REQUIRE(silent.fails({"a name from each of 30 clients at the same time",
                              fill("30 greetings in about {count} seconds",
                                   {{"count", std::to_string(server.delay()).substr(0, 3)}}),
                              fill("30 greetings in {count} seconds",
                                   {{"count", std::to_string(since(start)).substr(0, 4)}}),
                              one_after_another, step::accept, ""}));
    }
}

} // namespace
