// The exercise's further tasks, for those who are quick: what a server does beyond the notebook.
#include "language.hpp"
#include "talk.hpp"
#include "tests/watch/process.hpp"

#include <csignal>
#include <fstream>
#include <thread>

using namespace lab;

namespace
{

const std::string limit = "the server's own part: --max-clients";

TEST(Further, NeedsNoCommonHeader)
{
    for (const std::string source : {"server.cpp", "client.cpp"}) {
        std::ifstream file(source);
        ASSERT_TRUE(file.is_open()) << "There is no " << source << " here.\n";
        int number = 0;
        for (std::string line; std::getline(file, line);) {
            ++number;
            if (contains(line, "#include") && contains(line, "common")) {
                REQUIRE(failure({{"", line, source + ":" + std::to_string(number)},
                                 {"diagnosis", "The task is to write it on socket(2), bind(2), "
                                               "listen(2) and so on."}}));
            }
        }
    }
}

TEST(Further, LimitsItsClients)
{
    Server server("0", "--max-clients 2", "", Program::Output::file, " --max-clients 2");
    Talk first(server);
    REQUIRE(first.is_welcomed());
    Talk second(server);
    REQUIRE(second.is_welcomed());
    Talk third(server);
    REQUIRE(third.is_connected());
    REQUIRE(third.hears_nothing_for(
        times::soon, "A third client was served, or turned away, while two were connected and "
                     "--max-clients was 2. It should wait in the backlog: do not accept it yet."));
    first.say("exit");
    REQUIRE(first.sees_the_end(Talk::by_exit));
    const auto welcomed = third.is_welcomed();
    if (!welcomed) {
        REQUIRE(third.fails(
            {"\"exit\" from the first client", "\"Welcome!\" for the third, which was waiting",
             "nothing", "The place that became free was not given to the client that was waiting.",
             limit, ""}));
    }
}

TEST(Further, StopsOnCtrlC)
{
    Server server("0.3");
    Talk idle(server);
    REQUIRE(idle.is_welcomed());
    Talk busy(server);
    REQUIRE(busy.is_welcomed());
    busy.say("Yam");
    const std::vector<std::string> lines = {"Connection from " + idle.address() + " closed.\n",
                                            "Connection from " + busy.address() + " closed.\n"};
    std::this_thread::sleep_for(times::moment); // the server thinks about Yam
    server.signal(SIGINT);
    REQUIRE(busy.hears_greeting("Yam"));
    const int status = server.status(Seconds(server.delay()) + times::a_while);
    if (status != 0) {
        REQUIRE(not_yet(
            server, "server",
            {"Ctrl-C (SIGINT)", "its end, within the delay and a second, with exit status 0",
             status == -1 ? "nothing: it goes on" : "",
             status == 128 + SIGINT ? "Nothing handles SIGINT, so it kills the program: sigwait(3) "
                                      "in a thread, or sigaction(2)."
                                    : "",
             "the server's own part: stopping", ""}));
    }
    for (const std::string& line : lines) {
        if (server.out().find(line) == std::string::npos) {
            REQUIRE(not_yet(server, "server",
                            {"Ctrl-C (SIGINT)", quote(line), quote(server.out()),
                             "Not every connection was closed and reported closed.",
                             "the server's own part: stopping", ""}));
        }
    }
}

TEST(Further, ServesManyWithOneThread)
{
    Server server;
    std::vector<Talk> clients;
    clients.reserve(20);
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back(server, true);
        REQUIRE(clients.back().is_welcomed());
    }
    const Activity now = activity_of(server.pid());
    if (now.threads > 1 || now.processes > 1) {
        REQUIRE(not_yet(server, "server",
                        {"nothing, with 20 clients connected", "1 process with 1 thread",
                         fill("{processes} processes with {threads} threads",
                              {{"processes", std::to_string(now.processes)},
                               {"threads", std::to_string(now.threads)}}),
                         "An event loop waits for all sockets at once, with poll(2) or epoll(7), "
                         "and never for one of them.",
                         "poll(2)", ""}));
    }
    for (Talk& client : clients) {
        REQUIRE(client.is_greeted("Yam"));
    }
}

} // namespace
