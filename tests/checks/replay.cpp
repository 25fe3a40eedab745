#include "replay.hpp"
#include "process.hpp"
#include "text.hpp"

#include <functional>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace lab
{
namespace
{

const Seconds at_most{1.2}; ///< a server without a pause has answered by then

/// A client that has been welcomed; none if the server does not take it.
std::optional<Peer> come(Server& server)
{
    constexpr std::size_t welcome = 8; // bytes
    try {
        if (server.has_ended()) {
            return std::nullopt;
        }
        Peer peer = Peer::to(server.port(), "127.0.0.1", at_most);
        const bool welcomed = hear(server, peer, welcome, Seconds(0.6)).size() >= welcome;
        return welcomed ? std::optional(std::move(peer)) : std::nullopt;
    } catch (const std::system_error&) { // it does not listen
        return std::nullopt;
    }
}

/// One way in which a client leaves.
struct Leaving {
    std::string way;
    std::function<void(Server&, Peer&)> leave;
};

const std::vector<Leaving>& ways()
{
    static const std::vector<Leaving> all = {
        {"that says exit",
         [](Server& server, Peer& peer) {
             peer.say("exit");
             server.until([&] { return peer.has_news(); }, Seconds(0.5));
         }},
        {"that closes without exit",
         [](Server& server, Peer& peer) {
             peer.half_close();
             server.until([&] { return peer.has_news(); }, Seconds(0.5));
             peer.close();
         }},
        {"that leaves before its answer has come",
         [](Server&, Peer& peer) {
             peer.say("Yam");
             peer.close();
         }},
        {"that breaks off (RST)", [](Server&, Peer& peer) { peer.reset(); }},
    };
    return all;
}

/// How many threads of it wait for a lock. The machinery of some languages has such threads, too.
long locked(const Server& server) { return waits_of(server.pid())["a lock"]; }

/// What it is in that keeps a server from serving any longer.
std::string what_keeps_it(Server& server, long locked_before)
{
    const auto waits = waits_of(server.pid());
    if (server.has_ended()) {
        return "The program has ended.";
    }
    if (locked(server) > locked_before) {
        return "A thread waits for a lock: every way out of the loop has to unlock what it locked.";
    }
    if (activity_of(server.pid()).runs) {
        return "A loop goes round and round: after the end of a client recv returns at once, each "
               "time.";
    }
    if (waits.contains("poll") && activity_of(server.pid()).threads == 1) {
        return "The program waits in select or poll, and not for the listening socket: select "
               "changes the sets that it is given, so they are filled again before each call.";
    }
    return waits.contains("accept") || waits.contains("poll") || waits.empty()
               ? "What the whole program shares (a global or static variable, a flag, a count of "
                 "clients) is not as it was before that client."
               : "Nobody waits in accept any more: the loop around accept has ended, or waits for "
                 "something else.";
}

/// True if a name of so many bytes is answered when one more byte has come.
bool one_more_byte_helps(Server& server, std::size_t length)
{
    std::optional<Peer> peer = come(server);
    if (!peer) {
        return false;
    }
    peer->say(std::string(length, 'x'));
    if (!hear(server, *peer, 1, Seconds(0.5)).empty() || peer->ended()) {
        return false;
    }
    peer->say("x");
    return hear(server, *peer, length, Seconds(0.5)).size() >= length;
}

/// What usually has this size, where a name of so many bytes is the first that goes wrong with this
/// server.
std::string what_has_size(Server& server, std::size_t first_bad)
{
    const auto is_round = [](std::size_t size) { // as programmers choose a buffer's size
        return size >= 8 && ((size & (size - 1)) == 0 || size % 10 == 0);
    };
    if (first_bad == 128) {
        return "A char holds no number over 127: is the length kept in a char?";
    }
    if (first_bad == 256) {
        return "One byte holds no number over 255: is the length kept in one (unsigned char, "
               "uint8_t), or has a buffer 256?";
    }
    if (first_bad == 1024) {
        if (one_more_byte_helps(server, first_bad)) {
            return "The answer came when one more byte had come: recv is called again until it "
                   "returns less than 1,024 bytes, and after exactly 1,024 it waits. What one recv "
                   "returns is one message.";
        }
        return "recv may fill all of its 1,024 bytes: then a zero byte behind them (buf[n] = 0) no "
               "longer fits in a buffer of 1,024.";
    }
    for (const std::size_t more : {8U, 9U}) { // "Hello, " and "!", and perhaps a zero byte
        if (is_round(first_bad - 1 + more)) {
            return fill("The answer is 8 bytes longer than the name: has its buffer {size} bytes?",
                        {{"size", std::to_string(first_bad - 1 + more)}});
        }
    }
    for (const std::size_t more : {0U, 1U}) {
        if (is_round(first_bad - 1 + more)) {
            return fill("Has a buffer {size} bytes?",
                        {{"size", std::to_string(first_bad - 1 + more)}});
        }
    }
    return "What in the program has that size?";
}

} // namespace

bool serves(Server& server, const std::string& name)
{
    std::optional<Peer> peer = come(server);
    if (!peer) {
        return false;
    }
    const std::string greeting = "Hello, " + name + "!";
    peer->say(name);
    return hear(server, *peer, greeting.size(), Seconds(server.delay()) + at_most) == greeting;
}

std::string since_when(Server& server)
{
    if (server.visitors < 2) {
        return "";
    }
    if (!takes_port("SERVER")) {
        server.set_aside();
    }
    long locked_before = 0;
    {
        Server fresh;
        fresh.listens();
        locked_before = locked(fresh);
        if (!serves(fresh)) {
            return "";
        }
    }
    for (const auto& [way, leave] : ways()) {
        Server again;
        if (std::optional<Peer> first = come(again)) {
            leave(again, *first);
        }
        again.until([] { return false; }, Seconds(again.delay() + 0.1)); // it may take a moment
        if (!again.has_ended() && !serves(again)) {
            return fill("The first client is served; after one {way}, the next is not. {reason}",
                        {{"way", way}, {"reason", what_keeps_it(again, locked_before)}});
        }
    }
    Server many;
    for (int count = 0; count < 12; ++count) {
        std::optional<Peer> peer = come(many);
        if (!peer) {
            return fill("Clients that come one after another are served until {count} have come, "
                        "and then no more: is there a limit, an array of that size, or something "
                        "that is not given back?",
                        {{"count", std::to_string(count)}});
        }
        peer->say("exit");
        many.until([&] { return peer->has_news(); }, Seconds(0.5));
    }
    return "";
}

std::string every_second_client(Server& server)
{
    std::string pattern; // of six clients, one after another
    for (int i = 0; i < 6; ++i) {
        pattern += come(server) ? '+' : '-';
    }
    return pattern == "+-+-+-" || pattern == "-+-+-+"
               ? "It is every second client: accept is called twice in each round of the loop, "
                 "perhaps once in its condition, and what one of the two returns is lost."
               : "";
}

std::string from_which_length(Server& server, std::size_t bad)
{
    server.set_aside();
    std::optional<Server> fresh(std::in_place);
    if (fresh->delay() > 0) {
        return ""; // with its pause it would take too long
    }
    const auto is_good = [&](std::size_t length) {
        if (fresh->has_ended()) {
            fresh.emplace();
        }
        return serves(*fresh, std::string(length, 'x'));
    };
    std::size_t good = 0;
    for (const std::size_t length : {3U, 7U, 8U, 15U, 16U, 31U, 32U, 63U, 64U, 99U, 100U, 127U,
                                     128U, 255U, 256U, 511U, 512U, 1000U, 1023U}) {
        if (length >= bad) {
            break;
        }
        if (!is_good(length)) {
            bad = length;
            break;
        }
        good = length;
    }
    if (good == 0) {
        return "";
    }
    while (good + 1 < bad && is_good(good + 1)) {
        ++good;
    }
    return fill("A name of {good} bytes is greeted, and one of {bad} is not. {reason}",
                {{"good", std::to_string(good)},
                 {"bad", std::to_string(good + 1)},
                 {"reason", what_has_size(*fresh, good + 1)}});
}

bool ends_after(Server& server, std::size_t count)
{
    std::optional<Peer> peer = come(server);
    const std::string greeting = "Hello, Yam!";
    for (std::size_t i = 0; peer && i <= count; ++i) {
        peer->say("Yam");
        const std::string came =
            hear(server, *peer, greeting.size(), Seconds(server.delay()) + at_most);
        if (came != greeting) {
            return i == count && came.empty() && peer->ended();
        }
    }
    return false;
}

bool forks(Server& server)
{
    const long before = activity_of(server.pid()).processes;
    std::optional<Peer> peer = come(server);
    const bool has_one_more = peer && activity_of(server.pid()).processes > before;
    if (peer) {
        peer->leave();
    }
    return has_one_more;
}

} // namespace lab
