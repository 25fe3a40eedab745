// What the lab's own server does beyond the notebook: options, limits, stopping, and faults of
// every day.
#include "../checks/harness.hpp"

#include <csignal>
#include <thread>

#include <sys/socket.h>

using namespace lab;
using testing::AssertionFailure;
using testing::AssertionSuccess;

namespace
{

const std::string hint = "server.cpp";

Peer welcomed(const Server& server)
{
    Peer client = server.client();
    EXPECT_TRUE(client.hears("Welcome!", hint));
    return client;
}

testing::AssertionResult serves(const Server& server)
{
    Peer client = server.client();
    const auto result = client.hears("Welcome!", hint);
    client.say("Yam");
    return result ? client.hears("Hello, Yam!", hint) : result;
}

/// Runs a command line to its end: one sentence on standard error, nothing on standard output, and
/// `status`.
testing::AssertionResult refuses(const std::string& arguments, int status,
                                 const std::vector<std::string>& words)
{
    Program program(own("server") + " " + arguments);
    const int got = program.status(Seconds(20));
    const std::string said = program.err();
    if (got != status || !program.out().empty() || said.empty() ||
        said.find('\n') != said.size() - 1) {
        return AssertionFailure() << arguments << ": exit status " << got << " where " << status
                                  << " was expected, and one line on standard error, which was: "
                                  << said;
    }
    for (const std::string& word : words) {
        if (said.find(word) == std::string::npos) {
            return AssertionFailure() << arguments << ": \"" << word << "\" is not in: " << said;
        }
    }
    return AssertionSuccess();
}

/// What to put before a command so that it runs under a limit of the shell's.
std::string with_limit(const std::string& ulimit)
{
    return "sh -c '" + ulimit + R"(; exec "$0" "$@"' )";
}

// ---- The command line ---------------------------------------------------------------------------

TEST(LabServer, RefusesAWrongCommandLineInASentence)
{
    EXPECT_TRUE(refuses("--prot 1", 2, {"--prot"}));
    EXPECT_TRUE(refuses("-x", 2, {"'x'"}));
    EXPECT_TRUE(refuses("--port", 2, {"--port"}));
    for (const std::string value :
         {"abc", "70000", "-1", "1e3", "''", "' 1'", "1.5", "0x10", "99999999999", "+1", "-0"}) {
        EXPECT_TRUE(refuses("--port " + value, 2, {"--port", value == "''" ? "" : value}));
    }
    for (const std::string value :
         {"-1", "nan", "inf", "1e3", "''", "1,5", "1.2.3", ".", "2s", "99999999"}) {
        EXPECT_TRUE(refuses("--delay " + value, 2, {"--delay", value == "''" ? "" : value}));
        EXPECT_TRUE(refuses("--idle-timeout " + value, 2, {"--idle-timeout"}));
    }
    EXPECT_TRUE(refuses("--max-clients 0", 2, {"--max-clients", "0"}));
    EXPECT_TRUE(refuses("--backlog many", 2, {"--backlog", "many"}));
    EXPECT_TRUE(refuses("--host ''", 2, {"--host"}));
    EXPECT_TRUE(refuses("stray", 2, {"stray"}));
}

TEST(LabServer, HelpsOnStandardOutput)
{
    Program program(own("server") + " --help");
    EXPECT_EQ(program.status(), 0);
    for (const std::string option :
         {"--host", "--port", "--delay", "--backlog", "--max-clients", "--idle-timeout"}) {
        EXPECT_NE(program.out().find(option), std::string::npos) << option;
    }
    EXPECT_EQ(program.err(), "");
}

TEST(LabServer, ListensOn9999UnlessToldOtherwise)
{
    Program program(
        own("server")); // another program may be there already: then that is what it says
    EXPECT_TRUE(program.reports("127.0.0.1:9999"));
}

TEST(LabServer, SaysThatThePortIsInUseAndWhatToDo)
{
    const Server first;
    EXPECT_TRUE(refuses("--port " + std::to_string(first.port()), 1,
                        {"bind 127.0.0.1:" + std::to_string(first.port()), "in use", "--port 0"}));
}

TEST(LabServer, SaysThatAHostIsUnknownOrElsewhere)
{
    EXPECT_TRUE(refuses("--host no-such-host.invalid", 1, {"no-such-host.invalid"}));
    EXPECT_TRUE(refuses("--host 192.0.2.1 --port 0", 1, {"bind 192.0.2.1", "--host 127.0.0.1"}));
}

TEST(LabServer, ListensOnNamesAndOnIPv6)
{
    if (Program("getent hosts localhost").status() ==
        0) { // a bare system may not know its own name
        const Server named("0", "--host localhost");
        EXPECT_TRUE(serves(named));
    }
    const Server six("0", "--host ::1");
    Peer client = Peer::to(six.port(), "::1");
    EXPECT_TRUE(client.hears("Welcome!", hint));
    EXPECT_TRUE(six.prints("Accept new connection from [::1]:")) << six.out();
    const Server all("0", "--host 0.0.0.0");
    EXPECT_TRUE(serves(all));
}

// ---- Bytes --------------------------------------------------------------------------------------

TEST(LabServer, GreetsBytesThatAreNoText)
{
    const Server server;
    Peer client = welcomed(server);
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
        all += static_cast<char>(byte);
    }
    for (const std::string& name :
         {all, std::string("\xcd\xf5\xd0\xa1\xc3\xf7"), std::string("\xff")}) {
        client.say(name);
        EXPECT_TRUE(client.hears("Hello, " + name + "!", hint));
    }
}

TEST(LabServer, ReportsAClientThatResetsClosed)
{
    const Server server("0.1");
    Peer client = welcomed(server);
    const std::string address = client.address();
    client.say("Yam");
    client.reset();
    EXPECT_TRUE(server.prints("Connection from " + address + " closed.\n"));
    EXPECT_TRUE(server.reports(address + ": Connection reset by peer")) << server.err();
}

// ---- Stopping -----------------------------------------------------------------------------------

TEST(LabServer, StopsOnCtrlCWithStatus0AndReportsEveryConnectionClosed)
{
    for (const int number : {SIGINT, SIGTERM}) {
        Server server;
        Peer first = welcomed(server);
        Peer second = welcomed(server);
        server.signal(number);
        EXPECT_EQ(server.status(), 0);
        EXPECT_TRUE(first.sees_the_end(hint));
        EXPECT_TRUE(server.prints("Connection from " + first.address() + " closed.\n"));
        EXPECT_TRUE(server.prints("Connection from " + second.address() + " closed.\n"));
    }
}

TEST(LabServer, StillSendsTheReplyThatIsUnderWayWhenItStops)
{
    Server server("0.5");
    Peer client = welcomed(server);
    client.say("Yam");
    std::this_thread::sleep_for(Seconds(0.2));
    server.signal(SIGINT);
    EXPECT_TRUE(client.hears("Hello, Yam!", hint));
    EXPECT_TRUE(client.sees_the_end(hint));
    EXPECT_EQ(server.status(), 0);
}

TEST(LabServer, StopsWithinOneDelayAlthoughItHadToAnswer)
{
    Server server("2");
    Peer client = welcomed(server);
    client.say("Yam");
    std::this_thread::sleep_for(Seconds(0.1));
    server.signal(SIGINT);
    const auto start = Clock::now();
    EXPECT_TRUE(client.hears("Hello, Yam!", hint));
    EXPECT_EQ(server.status(), 0);
    EXPECT_LT(Seconds(Clock::now() - start).count(), 3.9) << "One delay, not two.";
}

TEST(LabServer, StopsInTimeAlthoughAClientNeverReads)
{
    Server server;
    Peer client = welcomed(server);
    const std::string name(1024, 'x');
    const timeval limit{0, 100'000};
    setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    while (client.say(name)) { // until the server can send no more, and so receives no more
    }
    server.signal(SIGTERM);
    EXPECT_EQ(server.status(), 0);
    EXPECT_TRUE(server.prints("Connection from " + client.address() + " closed.\n"));
}

TEST(LabServer, AcceptsNobodyOnceItStops)
{
    Server server("0.5");
    Peer client = welcomed(server);
    client.say("Yam");
    std::this_thread::sleep_for(Seconds(0.1));
    server.signal(SIGINT);
    std::this_thread::sleep_for(Seconds(0.1));
    EXPECT_THROW(Peer::to(server.port(), "127.0.0.1", Seconds(0.1)), std::system_error)
        << "A new client got in.";
    EXPECT_TRUE(client.hears("Hello, Yam!", hint)) << "The one that was there is still served.";
    EXPECT_EQ(server.status(), 0);
}

TEST(LabServer, EndsAtOnceOnASecondCtrlC)
{
    Server server("30");
    Peer client = welcomed(server);
    client.say("Yam");
    std::this_thread::sleep_for(Seconds(0.1));
    server.signal(SIGINT);
    EXPECT_EQ(server.status(Seconds(0.2)), -1)
        << "A reply is under way; the first Ctrl-C waits for it.";
    server.signal(SIGINT);
    EXPECT_EQ(server.status(), 128 + SIGINT);
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
        EXPECT_EQ(server.status(), 0);
    }
}

// ---- Limits -------------------------------------------------------------------------------------

TEST(LabServer, LetsFurtherClientsWaitUntilOneLeaves)
{
    const Server server("0", "--max-clients 2");
    Peer first = welcomed(server);
    Peer second = welcomed(server);
    Peer third = server.client();
    EXPECT_FALSE(third.has_news(Seconds(0.2)))
        << "A third client was served where two are allowed.";
    first.say("exit");
    EXPECT_TRUE(third.hears("Welcome!", hint));
}

TEST(LabServer, StopsWhileClientsWait)
{
    Server server("0", "--max-clients 1");
    const Peer first = welcomed(server);
    const Peer waiting = server.client();
    std::this_thread::sleep_for(Seconds(0.1));
    server.signal(SIGINT);
    EXPECT_EQ(server.status(), 0);
}

TEST(LabServer, ClosesAClientThatIsSilentForTooLong)
{
    const Server server("0", "--idle-timeout 0.3");
    Peer silent = welcomed(server);
    const auto start = Clock::now();
    EXPECT_TRUE(silent.sees_the_end(hint));
    EXPECT_GE(Seconds(Clock::now() - start).count(), 0.25);
    EXPECT_TRUE(server.prints(" closed.\n"));
    EXPECT_TRUE(serves(server));
}

TEST(LabServer, KeepsASilentClientWithoutATimeout)
{
    const Server server;
    Peer silent = welcomed(server);
    EXPECT_FALSE(silent.has_news(Seconds(1.2)));
    silent.say("Yam");
    EXPECT_TRUE(silent.hears("Hello, Yam!", hint));
}

TEST(LabServer, KeepsMaxClientsWithinTheDescriptorsThatAreLeft)
{
    const Server server("0", "--max-clients 1000000", with_limit("ulimit -n 50"));
    EXPECT_TRUE(server.reports("--max-clients is 34")) << server.err();
    std::vector<Peer> clients;
    clients.reserve(34);
    for (int i = 0; i < 34; ++i) {
        clients.push_back(welcomed(server));
    }
    Peer next = server.client();
    EXPECT_FALSE(next.has_news(Seconds(0.1)));
    clients.pop_back();
    EXPECT_TRUE(next.hears("Welcome!", hint));
}

TEST(LabServer, RaisesTheSoftLimitOfDescriptors)
{
    const Server server("0", "", with_limit("ulimit -S -n 30"));
    std::vector<Peer> clients;
    clients.reserve(60);
    for (int i = 0; i < 60; ++i) {
        clients.push_back(welcomed(server));
    }
    EXPECT_EQ(server.err().find("limited"), std::string::npos) << server.err();
}

// ---- Standard output ----------------------------------------------------------------------------

TEST(LabServer, GoesOnServingWithAFullDiskBehindStandardOutput)
{
    Program server(own("server") + " --port 0 --delay 0 >/dev/full");
    ASSERT_TRUE(server.reports("takes no more lines"));
    const std::string said = server.err();
    const int port = std::stoi(said.substr(said.rfind(':', said.find(". Ctrl-C")) + 1));
    for (int i = 0; i < 3; ++i) {
        Peer client = Peer::to(port);
        EXPECT_TRUE(client.hears("Welcome!", hint));
    }
    server.signal(SIGINT);
    EXPECT_EQ(server.status(), 0);
}

TEST(LabServer, GoesOnServingWithAClosedPipeBehindStandardOutput)
{
    const Program server("sh -c '" + own("server") +
                         " --port 0 --delay 0 & echo $! >&2; wait' | true");
    ASSERT_TRUE(server.reports("Ctrl-C stops"));
    const std::string said = server.err();
    const int port = std::stoi(said.substr(said.rfind(':', said.find(". Ctrl-C")) + 1));
    for (int i = 0; i < 3; ++i) {
        Peer client = Peer::to(port);
        EXPECT_TRUE(client.hears("Welcome!", hint));
        client.say("Yam");
        EXPECT_TRUE(client.hears("Hello, Yam!", hint));
    }
}

} // namespace
