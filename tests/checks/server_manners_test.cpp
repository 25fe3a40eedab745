// Step 4: clients that break off, and what is left of them.
#include "lines.hpp"
#include "process.hpp"
#include "talk.hpp"

#include <csignal>
#include <thread>

using namespace lab;

namespace
{

testing::AssertionResult leaves_nothing(Server& server, const Activity& before,
                                        const std::string& after)
{
    Talk(server, true).peer().close(); // now a server may collect children that have ended
    Activity now;
    const bool clean = eventually(
        [&] {
            std::this_thread::sleep_for(Seconds(0.05));
            now = activity_of(server.pid());
            return now.descriptors <= before.descriptors + 4 && now.threads <= before.threads + 4 &&
                   now.zombies <= 3 && now.processes <= before.processes + 2;
        },
        Seconds(server.delay() + 2));
    if (clean || server.has_ended() || before.processes == 0) {
        return testing::AssertionSuccess();
    }
    Finding finding{after, "a server that has what it had before", "", "", step::leave, ""};
    const auto more = [](const char* sentence, long count) {
        return fill(sentence, {{"count", std::to_string(count)}});
    };
    if (now.processes > before.processes + 2) {
        finding.received = more("{count} more processes", now.processes - before.processes);
        finding.diagnosis = child_goes_on;
        finding.by_hand = "ps -ef";
    } else if (now.zombies > 3) {
        finding.received =
            more("{count} more zombies (children that ended, and nobody waited for)", now.zombies);
        finding.diagnosis =
            "Nobody waits for the children that have ended: waitpid, or signal(SIGCHLD, SIG_IGN).";
        finding.by_hand = "ps -ef";
    } else if (now.threads > before.threads + 4) {
        finding.received = more("{count} more threads", now.threads - before.threads);
        finding.diagnosis = "Threads go on after their client has left: is every end of a client "
                            "the end of the loop?";
        finding.by_hand = "ls /proc/$(pidof server)/task";
    } else {
        finding.received =
            more("{count} more open descriptors", now.descriptors - before.descriptors);
        finding.diagnosis =
            "Sockets stay open after their client has left: close belongs behind the loop, on "
            "every way out of it. In a server with fork, the parent closes its copy, too.";
        finding.by_hand = "ls -l /proc/$(pidof server)/fd";
    }
    return not_yet(server, "server", finding);
}

TEST(NotebookServer, SurvivesBadManners)
{
    Server server("0.3");
    {
        Talk first(server);
        REQUIRE(first.is_welcomed());
        first.say("exit");
        REQUIRE(first.sees_the_end(Talk::by_exit));
    }
    std::this_thread::sleep_for(Seconds(0.1));
    const Activity before = activity_of(server.pid());
    const auto survives = [&](const std::string& what, const std::string& diagnosis) {
        server.until([&] { return server.has_ended(); }, Seconds(server.delay() + 0.2));
        Talk next(server);
        if (!server.has_ended() && next.is_welcomed()) {
            return testing::AssertionSuccess();
        }
        const std::string known = server.killed_by() == SIGSEGV
                                      ? "(recv or send returned -1 here: is that used as a length?)"
                                      : diagnose_end(server, false);
        return not_yet(server, "server",
                       {what, "a server that goes on",
                        server.has_ended() ? "its end" : "no welcome for the next client",
                        server.has_ended() ? diagnosis + (known.empty() ? "" : " " + known) : "",
                        step::accept, ""});
    };
    const std::string gone =
        "The end of one client must not be the end of the server: what send or recv reports about "
        "it is for that client's thread to handle, and ends nothing else.";
    const std::string pipe =
        " A send to a client that has gone raises SIGPIPE, which ends the whole program, unless it "
        "is ignored or MSG_NOSIGNAL is given to send.";
    for (int i = 0; i < 20; ++i) {
        Talk(server, true).peer().close(); // at once, in good order
    }
    REQUIRE(survives("20 clients connected and left at once", gone));
    {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        client.peer().reset();
    }
    REQUIRE(survives("a client broke off (RST) while the server waited for it in recv", gone));
    for (const bool hard : {true, false}) {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        client.say("Yam");
        std::this_thread::sleep_for(Seconds(0.1)); // the server thinks: its answers meet nobody
        client.say("May");
        hard ? client.peer().reset() : client.peer().close();
        REQUIRE(survives(hard
                             ? "\"Yam\", and then the client broke off (RST) before it was answered"
                             : "\"Yam\", and then the client left before it was answered",
                         server.killed_by() == SIGPIPE ? gone : gone + pipe));
    }
    for (int i = 0; i < 10; ++i) {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        i % 2 == 0 ? client.peer().close() : client.peer().reset();
    }
    REQUIRE(leaves_nothing(server, before, "34 clients came and went, some without exit"));
    std::vector<Talk> clients;
    clients.reserve(10);
    for (int i = 0; i < 10; ++i) {
        clients.emplace_back(server, true);
        REQUIRE(clients.back().is_welcomed());
        clients.back().say("exit");
    }
    for (Talk& client : clients) {
        REQUIRE(client.sees_the_end(Talk::by_exit));
    }
    clients.clear();
    REQUIRE(leaves_nothing(server, before, "10 clients came and left with exit"));
}

} // namespace
