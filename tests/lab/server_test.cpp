// What the lab's own server does beyond the notebook: options, limits, stopping, and what is on
// standard output and standard error.
#include "lab.hpp"

#include <csignal>
#include <fstream>
#include <thread>

#include <sys/resource.h>

using namespace lab;

namespace
{

testing::AssertionResult refuses_value(const std::string& option, const std::string& value)
{
    return refuses("server " + option + " " + value, {option, value == "''" ? "''" : value});
}

// ---- The command line ---------------------------------------------------------------------------

TEST(LabServer, RefusesAWrongCommandLineInASentence)
{
    EXPECT_TRUE(refuses("server --prot 1", {"--prot"}));
    EXPECT_TRUE(refuses("server -x", {"'x'"}));
    EXPECT_TRUE(refuses("server --port", {"--port"}));
    for (const std::string value : {"abc", "65536", "-1", "1e3", "''", "' 1'", "1.5", "0x10",
                                    "99999999999", "+1", "-0", "1x"}) {
        EXPECT_TRUE(refuses_value("--port", value));
    }
    for (const std::string value :
         {"-1", "nan", "inf", "1e3", "''", "1,5", "1.2.3", ".", "2s", "1000000.1"}) {
        EXPECT_TRUE(refuses_value("--delay", value));
        EXPECT_TRUE(refuses_value("--idle-timeout", value));
    }
    for (const std::string value : {"0", "-1", "many", "2147483648"}) {
        EXPECT_TRUE(refuses_value("--max-clients", value));
        EXPECT_TRUE(value == "0" || refuses_value("--backlog", value));
    }
    EXPECT_TRUE(refuses("server --host ''", {"--host"}));
    EXPECT_TRUE(refuses("server stray", {"stray"}));
}

TEST(LabServer, TakesTheSmallestAndTheLargestValues)
{
    const Server small("0", "--backlog 0 --max-clients 1 --idle-timeout 0");
    EXPECT_TRUE(serves(small));
    Program large(own("server") + " --port 65535 --delay 1000000 --idle-timeout 1000000.0 "
                                  "--backlog 2147483647 --max-clients 2147483647");
    EXPECT_TRUE(reports(large, "127.0.0.1:65535")); // that it listens there, or that it is in use
}

TEST(LabServer, HelpsOnStandardOutput)
{
    Program program(own("server") + " --help");
    EXPECT_TRUE(ends(program));
    for (const auto& [option, otherwise] : {std::pair{"--host ADDRESS", "(127.0.0.1)"},
                                            {"--port N", "(9999)"},
                                            {"--delay SECONDS", "(1)"},
                                            {"--backlog N", "(128)"},
                                            {"--max-clients N", "(1000)"},
                                            {"--idle-timeout SECONDS", "(0: never)"}}) {
        const std::string help = program.out();
        const std::size_t at = help.find(option);
        ASSERT_NE(at, std::string::npos) << option << " is not in the help.";
        EXPECT_NE(help.substr(at, help.find('\n', at) - at).find(otherwise), std::string::npos)
            << "The help does not say that the default of " << option << " is " << otherwise;
    }
    EXPECT_EQ(program.err(), "");
}

TEST_F(ServerAlone, IsTheNotebooksServerWithoutOptions)
{
    Program program(own("server"));
    EXPECT_TRUE(prints(program, "Waiting for connection...\n"));
    Peer client = Peer::to(9999);
    EXPECT_TRUE(client.hears("Welcome!", hint));
    const Server slower("1.7");
    Peer other = welcomed(slower);
    const auto start = Clock::now();
    other.say("May");
    EXPECT_TRUE(greets(client));
    EXPECT_GE(since(start), 1) << "It has to pause for a second before it answers.";
    EXPECT_FALSE(other.has_news()) << "It has paused for longer than another one does in 1.7 s.";
    client.say("exit");
    EXPECT_TRUE(client.sees_the_end(hint));
    EXPECT_GE(since(start), 2) << "It has to pause, and then look whether this is exit.";
    program.signal(SIGINT);
    EXPECT_TRUE(ends(program));
    EXPECT_EQ(program.out(), "Waiting for connection...\nAccept new connection from " +
                                 client.address() + "...\nConnection from " + client.address() +
                                 " closed.\n");
    EXPECT_EQ(program.err(), "Listening on 127.0.0.1:9999. Ctrl-C stops the server.\n");
}

TEST(LabServer, SaysThatItsAddressIsInUseUnknownOrElsewhere)
{
    const Server first;
    const std::string port = std::to_string(first.port());
    EXPECT_TRUE(refuses("server --port " + port,
                        {"bind 127.0.0.1:" + port, "in use", "Try --port 0.\n"}, 1));
    EXPECT_TRUE(refuses("server --host no-such-host.invalid", {"no-such-host.invalid: "}, 1));
    EXPECT_TRUE(refuses("server --host 192.0.2.1 --port 0",
                        {"bind 192.0.2.1", "Try --host 127.0.0.1.\n"}, 1));
}

TEST_F(ServerFaults, ListensOnTheFirstAddressOfANameAndIPv4ComesFirst)
{
    const Server named("0", "--host two.test", with_faults("HOSTS=two.test=::1,127.0.0.2"));
    EXPECT_TRUE(reports(named, "Listening on 127.0.0.2:"));
    Peer client = Peer::to(named.port(), "127.0.0.2");
    EXPECT_TRUE(client.hears("Welcome!", hint));
    EXPECT_TRUE(prints(named, "Accept new connection from " + client.address() + "...\n"));
}

TEST(LabServer, ListensOnIPv6AndOnEveryInterface)
{
    NEEDS(ipv6);
    const Server six("0", "--host ::1");
    Peer client = Peer::to(six.port(), "::1");
    EXPECT_TRUE(client.hears("Welcome!", hint));
    EXPECT_TRUE(prints(six, "Accept new connection from [::1]:"));
    const Server all("0", "--host 0.0.0.0");
    EXPECT_TRUE(serves(all));
}

TEST_F(ServerFaults, SaysThatItWaitsOnceItListens)
{
    const Server server("0", "", with_faults("LATE_listen=300"));
    EXPECT_NO_THROW(Peer::to(server.port(), "127.0.0.1", Seconds(0)))
        << "It says that it waits for connections before it listens.";
}

TEST_F(ServerFaults, SaysThatAConnectionIsClosedOnceItIs)
{
    const Server server("0", "", with_faults("LATE_close=300"));
    Peer client = welcomed(server);
    client.say("exit");
    EXPECT_TRUE(prints(server, "Connection from " + client.address() + " closed.\n"));
    EXPECT_TRUE(client.has_news()) << "It says that it has closed the connection before it does.";
}

TEST_F(ServerFaults, SaysThatItCannotBindOrListen)
{
    Program server(with_faults(failing("bind", EACCES)) + own("server") + " --port 80");
    EXPECT_TRUE(fails(server, 1, {"bind 127.0.0.1:80: Permission denied", "privileges"}));
    Program second(with_faults(failing("listen", EADDRINUSE)) + own("server") + " --port 0");
    EXPECT_TRUE(fails(second, 1, {"listen 127.0.0.1:", "in use", "Is another server running?"}));
}

TEST(LabServer, ReportsAClientThatResetsClosed)
{
    const Server server("0.1");
    Peer client = welcomed(server);
    const std::string address = client.address();
    client.say("Yam");
    client.reset();
    EXPECT_TRUE(prints(server, "Connection from " + address + " closed.\n"));
    EXPECT_TRUE(reports(server, "Closing the connection from " + address + ": "));
    EXPECT_TRUE(reports(server, address + ": Connection reset by peer.\n"));
}

// ---- Stopping -----------------------------------------------------------------------------------

TEST(LabServer, StopsOnCtrlCWithStatus0AndReportsEveryConnectionClosed)
{
    for (const int number : {SIGINT, SIGTERM}) {
        Server server(number == SIGINT ? "0" : "2");
        Peer first = welcomed(server);
        Peer second = welcomed(server);
        const auto start = Clock::now();
        server.signal(number);
        EXPECT_TRUE(ends(server));
        EXPECT_LT(since(start), 4) << "It has to end within the delay and a second.";
        EXPECT_TRUE(first.sees_the_end(hint));
        EXPECT_TRUE(prints(server, "Connection from " + first.address() + " closed.\n"));
        EXPECT_TRUE(prints(server, "Connection from " + second.address() + " closed.\n"));
        EXPECT_EQ(server.err().find("warning"), std::string::npos)
            << "Nothing went wrong, and it warns.";
    }
}

TEST(LabServer, SendsTheReplyThatIsUnderWayWhenItStopsAndAcceptsNobody)
{
    Server server("2");
    Peer client = welcomed(server);
    EXPECT_TRUE(is_seen_to_pause(server, client, "Yam"));
    server.signal(SIGINT);
    EXPECT_TRUE(eventually([&] {
        try {
            Peer::to(server.port(), "127.0.0.1", Seconds(0));
            return false;
        } catch (const std::system_error&) {
            return true;
        }
    })) << "New clients get in.";
    EXPECT_TRUE(client.hears("Hello, Yam!", hint));
    EXPECT_TRUE(client.sees_the_end(hint));
    EXPECT_TRUE(ends(server));
}

TEST(LabServer, AnswersNoFurtherMessageWhenItStops)
{
    Server server("0.4"); // there would be time for two
    Peer client = welcomed(server);
    while (!is_seen_to_pause(server, client, "Yam")) { // this machine is busy
        ASSERT_TRUE(client.hears("Hello, Yam!", hint));
    }
    client.say("May");
    server.signal(SIGINT);
    EXPECT_TRUE(client.hears("Hello, Yam!", hint));
    EXPECT_TRUE(client.sees_the_end(hint));
}

TEST_F(ServerAlone, StopsInTimeAlthoughAClientNeverReadsAndOthersWaitForItsPlace)
{
    std::ofstream("/proc/sys/net/ipv4/tcp_wmem") << "4096 4096 4096"; // or Linux finds more room
    Server server("0", "--max-clients 1");
    const Peer client = deaf_client(server);
    const Peer waiting = server.client();
    const auto start = Clock::now();
    server.signal(SIGTERM);
    EXPECT_TRUE(ends(server));
    EXPECT_LT(since(start), 3) << "It has to end within the delay, which is 0, and a second.";
    EXPECT_TRUE(prints(server, "Connection from " + client.address() + " closed.\n"));
}

TEST(LabServer, EndsAtOnceOnASecondCtrlCAlsoInTheBackground)
{
    for (const std::string shell : {"", "sh -c 'trap \"\" INT; exec \"$0\" \"$@\"' "}) {
        Server server("1000", "", shell); // a shell starts jobs in the background so
        Peer client = welcomed(server);
        EXPECT_TRUE(is_seen_to_pause(server, client, "Yam"));
        server.signal(SIGINT);
        EXPECT_FALSE(server.until([&] { return server.has_ended(); }, Seconds(0.3)))
            << "A reply is under way; the first Ctrl-C waits for it.";
        server.signal(SIGINT);
        EXPECT_TRUE(ends(server, 128 + SIGINT));
    }
}

TEST(LabServer, LeavesItsPortFreeForTheNextOne)
{
    std::string port = "0";
    for (int round = 0; round < 3; ++round) {
        Server server("0", "--port " + port);
        port = std::to_string(server.port());
        Peer client = welcomed(server);
        client.say("exit"); // the server closes first: its end goes through TIME_WAIT
        EXPECT_TRUE(client.sees_the_end(hint));
        client.close();
        server.signal(SIGINT);
        EXPECT_TRUE(ends(server));
    }
}

// ---- Limits -------------------------------------------------------------------------------------

TEST(LabServer, LetsFurtherClientsWaitUntilOneLeaves)
{
    Server server("0", "--max-clients 2");
    Peer first = welcomed(server);
    Peer second = welcomed(server);
    Peer third = server.client();
    EXPECT_TRUE(stays_silent(server, third)) << "A third one is served where two are allowed.";
    first.say("exit");
    EXPECT_TRUE(third.hears("Welcome!", hint));
}

TEST(LabServer, KeepsAsManyWaitingAsTheBacklogSays)
{
    unsigned long most = 4096;
    std::ifstream("/proc/sys/net/core/somaxconn") >> most;
    for (const auto& [options, backlog] : {std::pair{"", 128UL}, {"--backlog 3", 3UL}}) {
        const Server server("0", std::string("--max-clients 1 ") + options);
        const Peer served = welcomed(server);
        const unsigned long wanted = std::min(most, backlog) + 1; // Linux keeps one more
        std::vector<Peer> waiting;
        const timeval limit{0, 300'000}; // what is dropped is repeated after a second
        while (waiting.size() < 200) {
            auto next = client_with(server, SO_SNDTIMEO, limit);
            if (!next) {
                break;
            }
            waiting.push_back(std::move(*next));
        }
        EXPECT_EQ(waiting.size(), wanted) << "clients can wait, with: " << options;
    }
}

TEST(LabServer, ServesAThousandClientsAtOnceUnlessToldOtherwise)
{
    NEEDS(allows_threads(1500));
    const rlimit files{4096, 4096};
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    if (now.rlim_max < files.rlim_max || setrlimit(RLIMIT_NOFILE, &files) == -1) {
        GTEST_SKIP() << "a process may not have 4096 descriptors here";
    }
    Server server("0", deep_backlog);
    std::vector<Peer> clients;
    while (clients.size() < 1000) {
        clients.push_back(server.client());
        if (!clients.back().has_news(patience) && contains(server.err(), "cannot serve")) {
            GTEST_SKIP() << "a thousand threads cannot be had here: " << server.err();
        }
        ASSERT_TRUE(clients.back().hears("Welcome!", hint)) << "client number " << clients.size();
    }
    Peer next = server.client();
    EXPECT_TRUE(stays_silent(server, next)) << "Number 1001 has to wait.";
    clients.front().say("exit");
    EXPECT_TRUE(next.hears("Welcome!", hint));
}

TEST(LabServer, ClosesAClientThatIsSilentForTooLongAndLetsTheNextIn)
{
    const Server server("0", "--idle-timeout 0.5 --max-clients 1");
    Peer silent = welcomed(server);
    const auto start = Clock::now();
    Peer next = server.client();
    EXPECT_TRUE(silent.sees_the_end(hint));
    EXPECT_GE(since(start), 0.45) << "It was closed too soon.";
    EXPECT_TRUE(reports(server, "Connection timed out"));
    EXPECT_TRUE(next.hears("Welcome!", hint));
}

TEST(LabServer, KeepsASilentClientWithoutATimeout)
{
    const Server server;
    Peer silent = welcomed(server);
    EXPECT_FALSE(silent.has_news(Seconds(1.2)));
    EXPECT_TRUE(greets(silent));
}

TEST(LabServer, RaisesTheSoftLimitOfDescriptors)
{
    const Server server("0", "", with_limit("ulimit -S -n 30"));
    std::vector<Peer> clients;
    for (int i = 0; i < 60; ++i) {
        clients.push_back(welcomed(server));
    }
    EXPECT_EQ(server.err().find("limit"), std::string::npos) << server.err();
}

TEST_F(ServerFaults, TakesOneMegabyteOfStackForAClient)
{
    const Server server("0", "", "env MALLOC_ARENA_MAX=1 ");
    Peer first = welcomed(server);
    const long before = memory_of(server, "VmSize");
    std::vector<Peer> clients;
    for (int i = 0; i < 32; ++i) {
        clients.push_back(welcomed(server));
    }
    EXPECT_LE((memory_of(server, "VmSize") - before) / 32, 2048)
        << "KiB of addresses for each client; with stacks of 8 MiB, thousands do not fit.";
}

} // namespace
