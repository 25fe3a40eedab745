// Step 4: clients that break off, and what is left of them.
#include "lines.hpp"
#include "talk.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <csignal>
#include <sstream>
#include <system_error>
#include <thread>

using namespace lab;

namespace
{

/// True if a server has ended by itself, and not by an exception or what else is known.
bool ended_itself(Server& server)
{
    const std::string said = server.err();
    const auto has = [&](const std::string& sign) { return contains(lower(said), sign); };
    return server.killed_by() == 0 && diagnose_said(said).empty() && !has("traceback") &&
           !has("exception") && !has("panic") && !has("errno::") && !has("error:");
}

/// True if the threads that this server has are a pool's, which keeps them for the clients to come:
/// then they become no more, however many come.
bool keeps_a_pool(Server& server)
{
    long before = activity_of(server.pid()).threads;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 100 && !server.has_ended(); ++i) {
            Peer::to(server.port()).close();
        }
        long now = 0;
        server.until([&] { return (now = activity_of(server.pid()).threads) <= before; },
                     Seconds(server.delay()) + times::a_while);
        if (now < before + 10) {
            return true;
        }
        before = now;
    }
    return false;
}

testing::AssertionResult leaves_nothing(Server& server, Activity& before, const std::string& after)
{
    if (is_found("no end") || is_found("the end is not noticed")) {
        return testing::AssertionSuccess(); // all of them are still there
    }
    Talk(server, true).leave(); // now a server may collect children that have ended
    Activity now;
    int looks = 0;
    const Seconds enough = Seconds(server.delay()) + times::a_while;
    const bool clean = server.until(
        [&] {
            std::this_thread::sleep_for(times::between_readings);
            now = activity_of(server.pid());
            const bool may_collect = now.zombies > 3 && ++looks % 8 == 1 && !server.has_ended();
            if (may_collect) { // when the next client comes
                Talk(server, true).leave();
            }
            return now.descriptors <= before.descriptors + 4 && now.threads <= before.threads + 4 &&
                   now.zombies <= 3 && now.processes <= before.processes + 2;
        },
        enough, 3 * enough);
    if (server.has_ended() || before.processes == 0) {
        return testing::AssertionSuccess();
    }
    if (!eventually([&] { return !activity_of(server.pid()).runs; }, times::soon)) {
        return not_yet(server, "server",
                       {after, "a server that waits", "a server that is at work without end",
                        "A loop goes round and round after its client has gone: an error of send "
                        "or recv (-1) is not the end of it, or the call is tried again for ever.",
                        step::leave, "top"});
    }
    if (clean) {
        return testing::AssertionSuccess();
    }
    if (now.descriptors <= before.descriptors + 4 && now.zombies <= 3 &&
        now.processes <= before.processes + 2 && keeps_a_pool(server)) {
        before = activity_of(server.pid());
        return testing::AssertionSuccess();
    }
    const auto more = [](const char* sentence, long count) {
        return fill(sentence, {{"count", std::to_string(count)}});
    };
    const bool has_threads = now.threads > before.threads + 4;
    const Sentence left =
        now.zombies > 3
            ? more("{count} more zombies (children that ended, and nobody waited for)", now.zombies)
        : now.processes > before.processes + 2
            ? more("{count} more processes", now.processes - before.processes)
        : has_threads ? more("{count} more threads", now.threads - before.threads)
                      : more("{count} more open descriptors", now.descriptors - before.descriptors);
    return not_yet(
        server, "server",
        {after, "a server that has what it had before", left, "", step::leave,
         has_threads ? "ls /proc/$(pidof server)/task" : "ls -l /proc/$(pidof server)/fd"},
        departure_of_who_has_left(server.calls(), {server.port()}));
}

/// The first line that is none of the notebook's; empty if there is none.
std::string odd_line(const std::string& out)
{
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(texts()["waiting"]) &&
            !line.starts_with(texts()["accepted before"]) &&
            !line.starts_with(texts()["closed before"]) && !is_found("more lines") &&
            !is_found("no lines")) {
            return line;
        }
    }
    return "";
}

/// What breaks off in a terminal: a shell that ends with bytes unread.
const std::string reset_by_hand = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/9999; sleep 1'";
/// Clients that break off as soon as they are connected: SO_LINGER, of 0 seconds. socket(7)
const std::string reset_at_once_by_hand =
    "python3 -c 'import socket; [(s := socket.create_connection((\"127.0.0.1\", 9999)), "
    "s.setsockopt(1, 13, b\"\\1\\0\\0\\0\\0\\0\\0\\0\"), s.close()) for i in range(20)]'";

/// Lets five clients connect and leave while the server is stopped for a moment, so that it finds
/// them gone before it has welcomed one: in good order, or `hard`, with RST. Waits until it has
/// seen them all, as far as that can be seen.
void come_and_go(Server& server, bool hard)
{
    const long before = activity_of(server.pid()).descriptors;
    try {
        const Halt halt(server);
        for (int i = 0; i < 5; ++i) {
            Peer client = Peer::to(server.port(), "127.0.0.1", times::a_second);
            hard ? client.reset() : client.close();
        }
    } catch (const std::system_error&) { // its backlog is shorter: so many will do
    }
    const auto has_seen_them = [&] {
        const auto sockets = listening_sockets_of(server.pid());
        return server.has_ended() ||
               (activity_of(server.pid()).descriptors <= before &&
                std::none_of(sockets.begin(), sockets.end(),
                             [](const ListeningSocket& socket) { return socket.waiting > 0; }));
    };
    eventually(has_seen_them, 5 * Seconds(server.delay()) + times::a_while);
}

TEST(NotebookServer, SurvivesBadManners)
{
    Server server("0.3");
    {
        Talk first(server);
        REQUIRE(first.is_welcomed());
        REQUIRE(first.leaves(Talk::by_exit));
    }
    std::this_thread::sleep_for(times::moment);
    Activity before = activity_of(server.pid());
    const auto survives = [&](const std::string& what, const std::string& by) {
        const std::string scene = contains(what, "Yam") ? "killed" : "reset";
        server.until([&] { return server.has_ended(); }, Seconds(server.delay()) + times::moment);
        Talk next(server);
        if (!server.has_ended() && next.is_welcomed()) {
            return testing::AssertionSuccess();
        }
        if (!server.has_ended()) {
            return next.fails({what, "a server that goes on", "no welcome for the next client", "",
                               step::accept, by, scene});
        }
        const bool damaged = server.killed_by() == SIGSEGV || is_damaged(server);
        const Sentence reason =
            server.killed_by() == SIGPIPE
                ? "send to a client that has gone raises SIGPIPE, which ends the program, unless "
                  "it is ignored or MSG_NOSIGNAL is given to send."
            : damaged ? "recv or send returned -1 here, which is no length."
            : contains(server.err(), "ConnectionResetError")
                ? "ConnectionResetError was raised, and nothing caught it: catch it where this "
                  "client is served."
            : ended_itself(server)
                ? "The program ended itself: exit(), or return from main, where only this client's "
                  "loop is to end."
                : diagnose_end(server, false);
        return not_yet(server, "server",
                       {what, "a server that goes on", "its end",
                        fill("The end of one client must not be the end of the server: an error of "
                             "send or recv ends that client's thread, and nothing else. {reason}",
                             {{"reason", reason}}),
                        step::accept, by, scene},
                       next.departure());
    };
    // No more than a backlog of five takes: one that serves one at a time finds them all in it.
    for (const bool hard : {false, true}) {
        come_and_go(server, hard);
        const std::string how =
            hard ? "5 clients broke off (RST) before they were welcomed" : "5 clients left at once";
        REQUIRE(survives(how, hard ? reset_at_once_by_hand
                                   : "for i in $(seq 5); do nc -z 127.0.0.1 9999; done"));
    }
    std::string line;
    {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        line = closed(client.address());
        client.peer().reset();
        if (!is_found("no lines") && !server.until([&] { return contains(server.out(), line); },
                                                   Seconds(server.delay()) + times::soon)) {
            if (!contains(server.err(), "ConnectionResetError") && !server.has_ended()) {
                REQUIRE(client.fails(
                    {"nothing, and then the client broke off (RST)", quote(line), "no such line",
                     contains(server.err(), "getpeername")
                         ? diagnose_said(server.err())
                         : "When recv fails, since the client has broken off, the loop ends, too: "
                           "the socket is closed and the line printed, as for any other client. "
                           "Both stand behind the loop, and behind what catches the error.",
                     step::lines, reset_by_hand}));
            }
            if (!server.has_ended()) {
                RecordProperty("note",
                               "An exception that recv raised has ended a client's thread, as in "
                               "the notebook's server. No line says that the client has gone.");
            }
        }
    }
    REQUIRE(
        survives("a client broke off (RST) while the server waited for it in recv", reset_by_hand));
    if (const std::string out = server.out(); out.find(line) != out.rfind(line)) {
        REQUIRE(not_yet(server, "server",
                        {"nothing, and then the client broke off (RST)", quote(line),
                         fill("\"{line}\" is printed more than once.", {{"line", line}}), "",
                         step::lines, reset_by_hand}));
    }
    {
        Peer client = server.client();
        client.has_news(Seconds(server.delay()) + times::a_while);
        client.reset();
    }
    REQUIRE(survives("a client broke off (RST), and had not read the welcome", reset_by_hand));
    for (const bool hard : {true, false}) {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        client.say("Yam");
        std::this_thread::sleep_for(times::moment); // the server thinks: its answers meet nobody
        client.say("May");
        hard ? client.peer().reset() : client.peer().close();
        REQUIRE(survives(hard
                             ? "\"Yam\", and then the client broke off (RST) before it was answered"
                             : "\"Yam\", and then the client left before it was answered",
                         "bash -c 'exec 3<>/dev/tcp/127.0.0.1/9999; printf Yam >&3; sleep 0.1; "
                         "printf May >&3'"));
    }
    for (int i = 0; i < 10; ++i) {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        i % 2 == 0 ? client.peer().close() : client.peer().reset();
    }
    REQUIRE(leaves_nothing(server, before, "25 clients came and went, some without exit"));
    std::vector<Talk> clients;
    const std::size_t at_once = is_found("one at a time") ? 1 : 10;
    clients.reserve(at_once);
    for (int i = 0; i < 10; ++i) {
        clients.emplace_back(server, true);
        REQUIRE(clients.back().is_welcomed());
        const Talk::Cause cause = clients.back().goes(Talk::by_exit);
        if (clients.size() == at_once) {
            for (Talk& client : clients) {
                REQUIRE(client.sees_the_end(cause));
            }
            clients.clear();
        }
    }
    REQUIRE(leaves_nothing(server, before, "10 clients came and left with exit"));
    Talk last(server, true);
    REQUIRE(last.is_welcomed());
    if (!last.is_greeted("Yam")) {
        REQUIRE(last.fails({"25 clients came and went, some without exit",
                            "a greeting for the next client", "no greeting for the next client", "",
                            step::greeting, reset_by_hand}));
    }
    if (const std::string odd = odd_line(server.out()); !odd.empty()) {
        REQUIRE(
            not_yet(server, "server",
                    {"25 clients came and went, some without exit",
                     "the notebook's three lines on standard output, and nothing else", quote(odd),
                     "Standard output has these lines only: what goes wrong is said on standard "
                     "error.",
                     step::lines, reset_by_hand}));
    }
}

} // namespace
