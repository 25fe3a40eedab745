// Faults, injected for real: limits, signals, resets, stopped processes, outputs that nobody reads,
// and a preloaded library that makes system calls fail. After each, the server serves a new client,
// and has what it had before.
#include "../checks/harness.hpp"
#include "../checks/network.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include <fcntl.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

using namespace lab;

namespace
{

const std::string hint = "server.cpp";

/// For floods: where the backlog is full, the kernel drops a SYN, and the client repeats it after a
/// whole second.
const std::string deep_backlog = "--backlog 4096";

testing::AssertionResult serves(const Server& server, const std::string& name = "Yam")
{
    Peer client = server.client();
    const auto welcomed = client.hears("Welcome!", hint);
    client.say(name);
    return welcomed ? client.hears("Hello, " + name + "!", hint) : welcomed;
}

/// What to put before a command so that the faults named in `environment` are injected into it.
std::string with_faults(const std::string& environment)
{
    const char* shim = std::getenv("LAB_SHIM");
    return std::string("env LD_PRELOAD=") + (shim != nullptr ? shim : "") + " " + environment + " ";
}

/// For tests that preload a library, which cannot be done to a program with a sanitizer in it.
class Injected : public testing::Test
{
  protected:
    void SetUp() override
    {
        const char* shim = std::getenv("LAB_SHIM");
        if (shim == nullptr || *shim == '\0') {
            GTEST_SKIP() << "the sanitizers do not let a library be preloaded";
        }
    }
};

/// The descriptors and threads that a server has, so that a test can see it come back to them.
struct Footprint {
    explicit Footprint(const Server& server)
    {
        EXPECT_TRUE(serves(server)); // now it has all its threads
        eventually([&] { return server.out().find(" closed.\n") != std::string::npos; });
        fds = server.measure("fds");
        threads = server.measure("Threads");
    }
    testing::AssertionResult is_back(const Server& server) const
    {
        if (fds == -1) {
            return testing::AssertionSuccess() << "there is no /proc here to see it";
        }
        const bool served = static_cast<bool>(serves(server));
        const bool back = eventually(
            [&] { return server.measure("fds") <= fds && server.measure("Threads") <= threads; });
        return served && back ? testing::AssertionSuccess()
                              : testing::AssertionFailure()
                                    << "a new client served: " << served << "; descriptors " << fds
                                    << ", now " << server.measure("fds") << "; threads " << threads
                                    << ", now " << server.measure("Threads");
    }
    long fds = 0;
    long threads = 0;
};

long count(const std::string& text, const std::string& word)
{
    long found = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
        ++found;
    }
    return found;
}

// ---- Running out --------------------------------------------------------------------------------

TEST(LabFaults, WaitsWithoutCpuTimeWhileThereAreNoDescriptors)
{
    const Server server;
    const Footprint before(server);
    if (before.fds == -1) {
        GTEST_SKIP()
            << "there is no /proc here, in which the server's descriptors and CPU time are seen";
    }
    rlim_t next = 0; // the descriptor that accept will return; with one more, that is two
    while (access(("/proc/" + std::to_string(server.pid()) + "/fd/" + std::to_string(next)).c_str(),
                  F_OK) == 0) {
        ++next;
    }
    const rlimit few{next + 2, 4096};
    ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
    std::vector<Peer> clients;
    for (int i = 0; i < 6; ++i) {
        clients.push_back(server.client());
    }
    EXPECT_TRUE(clients[0].hears("Welcome!", hint));
    EXPECT_TRUE(clients[1].hears("Welcome!", hint));
    EXPECT_TRUE(server.reports("accept 127.0.0.1:" + std::to_string(server.port()) +
                               ": Too many open files"));
    const long ticks = server.measure("ticks");
    EXPECT_FALSE(clients[2].has_news(Seconds(1.5)));
    EXPECT_LE(server.measure("ticks") - ticks, 2)
        << "It is busy while it cannot do anything (hundredths of a second).";
    EXPECT_EQ(count(server.err(), "Too many open files"), 1) << "Once is enough: " << server.err();
    clients[0].say("exit");
    EXPECT_TRUE(clients[2].hears("Welcome!", hint)) << "One has left: there is room for the next.";
    clients.clear();
    EXPECT_TRUE(before.is_back(server));
}

TEST_F(Injected, ClosesAClientForWhomThereIsNoThreadAndServesTheNext)
{
    const Server server(
        "0", "",
        with_faults("FAIL_THREADS=3-4")); // the first waits for Ctrl-C, the second serves
    const Footprint before(server);
    for (int i = 0; i < 2; ++i) {
        Peer unlucky = server.client();
        EXPECT_TRUE(unlucky.sees_the_end(hint));
        EXPECT_TRUE(server.reports("No thread for " + unlucky.address()));
    }
    EXPECT_TRUE(before.is_back(server));
}

TEST_F(Injected, AcceptsAgainWhenDescriptorsAreBack)
{
    const Server server("0", "", with_faults("FAIL_ACCEPTS=1-2"));
    EXPECT_TRUE(serves(server))
        << "Nobody is there to leave, so the server has to try again by itself.";
}

TEST_F(Injected, ClosesAClientForWhoseReplyThereIsNoMemory)
{
    std::string no_memory = "/tmp/lab-memory-XXXXXX";
    ::close(mkstemp(no_memory.data()));
    const Server server("0", "", with_faults("FAIL_MEMORY=" + no_memory));
    const Footprint before(server);
    Peer unlucky = server.client();
    EXPECT_TRUE(unlucky.hears("Welcome!", hint));
    unlucky.say(std::string(1000, 'x'));
    EXPECT_TRUE(unlucky.sees_the_end(hint));
    EXPECT_TRUE(server.reports("bad_alloc"));
    EXPECT_TRUE(serves(server)) << "A short name needs no such block.";
    std::remove(no_memory.c_str());
    EXPECT_TRUE(serves(server, std::string(1000, 'x')));
    EXPECT_TRUE(before.is_back(server));
}

// ---- Interruptions ------------------------------------------------------------------------------

TEST_F(Injected, TakesUpEveryCallThatASignalInterrupts)
{
    for (const std::string every : {"1000000", "2", "3", "5"}) {
        const std::string faults = with_faults("INTERRUPT=" + every);
        Server server("0", "", faults);
        Program client(faults + own("client") + " --port " + std::to_string(server.port()));
        EXPECT_EQ(client.status(), 0) << every << ": " << client.err();
        EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n") << every;
        EXPECT_TRUE(server.prints(" closed.\n"));
        server.signal(SIGINT);
        EXPECT_EQ(server.status(), 0) << every;
        EXPECT_EQ(count(server.out(), "\n"), 3) << server.out();
    }
}

TEST_F(Injected, CopesWithOneByteAtATime)
{
    const Server slow("0", "", with_faults("ONE_BYTE=1"));
    Peer peer = slow.client();
    EXPECT_TRUE(eventually([&] { return peer.receive(8) == "Welcome!"; }))
        << "send takes a part: the rest has to follow.";
    peer.say("Y");
    EXPECT_EQ(peer.receive(9), "Hello, Y!");
    const Listener listener;
    Program client(with_faults("ONE_BYTE=1") + own("client") + " --port " +
                   std::to_string(listener.port()) + " 王小明");
    Peer server = listener.accept();
    server.say("Welcome!");
    EXPECT_EQ(server.receive(9), "王小明") << "send takes a part: the rest has to follow.";
    server.say("Hello, 王小明!");
    EXPECT_EQ(client.status(), 0) << client.err();
    EXPECT_EQ(client.out(), "Welcome!\nHello, 王小明!\n");
}

TEST_F(Injected, PassesOverConnectionsThatAreGoneBeforeAccept)
{
    const Server server("0", "", with_faults("ABORT_ACCEPTS=1-50"));
    EXPECT_EQ(server.err().find("abort"), std::string::npos) << server.err();
}

TEST(LabFaults, GoesOnAfterItWasStoppedAndContinued)
{
    const Server server(
        "0.1",
        "--idle-timeout 5"); // with a timeout set, Linux interrupts recv: see signal(7)
    Peer client = server.client();
    EXPECT_TRUE(client.hears("Welcome!", hint));
    for (int i = 0; i < 5; ++i) {
        server.signal(SIGSTOP);
        std::this_thread::sleep_for(Seconds(0.02));
        server.signal(SIGCONT);
        std::this_thread::sleep_for(Seconds(0.02));
    }
    client.say("Yam");
    server.signal(SIGSTOP);
    server.signal(SIGCONT);
    EXPECT_TRUE(client.hears("Hello, Yam!", hint));

    const Listener listener;
    Program stopped(own("client") + " --timeout 5 --port " + std::to_string(listener.port()) +
                    " Yam");
    Peer peer = listener.accept();
    for (int i = 0; i < 5; ++i) {
        stopped.signal(SIGSTOP);
        std::this_thread::sleep_for(Seconds(0.02));
        stopped.signal(SIGCONT);
        std::this_thread::sleep_for(Seconds(0.02));
    }
    peer.say("Welcome!");
    EXPECT_TRUE(peer.hears("Yam", "client.cpp"));
    peer.say("Hello, Yam!");
    EXPECT_EQ(stopped.status(), 0);
}

// ---- Clients ------------------------------------------------------------------------------------

TEST(LabFaults, OutlivesAStormOfResets)
{
    const Server server("0", deep_backlog);
    EXPECT_TRUE(serves(server));
    const Footprint before(server);
    for (int i = 0; i < 2000; ++i) {
        Peer client = server.client();
        if (i % 2 == 0) {
            client.say("Yam");
        }
        client.reset();
    }
    EXPECT_TRUE(before.is_back(server));
    EXPECT_TRUE(eventually(
        [&] { return count(server.out(), "Accept") == count(server.out(), " closed."); }));
}

TEST(LabFaults, HasWhatItHadAfterThousandsCameAndWent)
{
    const Server server("0", deep_backlog);
    const Footprint before(server);
    const auto come_and_go = [&](int how_many) {
        std::vector<std::thread> crowd;
        for (int i = 0; i < 8; ++i) {
            crowd.emplace_back([&] {
                for (int k = 0; k < how_many / 8; ++k) {
                    Peer client = server.client();
                    EXPECT_TRUE(client.hears("Welcome!", hint));
                    client.say("exit");
                    EXPECT_TRUE(client.sees_the_end(hint));
                }
            });
        }
        for (std::thread& thread : crowd) {
            thread.join();
        }
    };
    come_and_go(1000);
    const long resident = server.measure("VmRSS");
    come_and_go(2000);
    EXPECT_TRUE(before.is_back(server));
    EXPECT_LE(server.measure("VmRSS") - resident,
              with_faults("") == "env LD_PRELOAD=  " ? 50'000 : 1'000)
        << "It has grown (KiB); under a sanitizer, which keeps freed blocks, it may.";
}

TEST(LabFaults, ServesOthersBesideThoseThatNeverReadOrTrickle)
{
    const Server server;
    const Footprint before(server);
    {
        Peer deaf = server.client();
        const timeval limit{0, 100'000};
        setsockopt(deaf.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        while (deaf.say(std::string(1024, 'x'))) { // until nothing moves any more
        }
        Peer slow = server.client();
        EXPECT_TRUE(slow.hears("Welcome!", hint));
        for (const std::string letter : {"Y", "a", "m"}) {
            slow.say(letter);
            EXPECT_TRUE(slow.hears("Hello, " + letter + "!", hint));
            EXPECT_TRUE(serves(server));
        }
    }
    EXPECT_TRUE(before.is_back(server));
}

TEST(LabFaults, LetsOthersInWhenSilentOnesAreTimedOut)
{
    for (const bool timed : {false, true}) {
        const Server server("0",
                            std::string("--max-clients 3") + (timed ? " --idle-timeout 0.5" : ""));
        std::vector<Peer> silent;
        for (int i = 0; i < 3; ++i) {
            silent.push_back(server.client());
            EXPECT_TRUE(silent.back().hears("Welcome!", hint));
        }
        Peer next = server.client();
        if (timed) {
            EXPECT_TRUE(next.hears("Welcome!", hint));
        } else {
            EXPECT_FALSE(next.has_news(Seconds(0.8)))
                << "Without a timeout, silent clients may stay.";
            silent.pop_back();
            EXPECT_TRUE(next.hears("Welcome!", hint));
        }
    }
}

TEST(LabFaults, ClosesAClientThatTakesNoAnswersForTheIdleTimeout)
{
    const Server server("0", "--idle-timeout 0.3");
    Peer deaf = server.client();
    const timeval limit{0, 100'000};
    setsockopt(deaf.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    while (deaf.say(std::string(1024, 'x'))) {
    }
    EXPECT_TRUE(server.prints("Connection from " + deaf.address() + " closed.\n"));
}

TEST_F(Injected, NoticesAClientWhoseMachineHasVanished)
{
    std::string why;
    if (!enter_private_network(why)) {
        GTEST_SKIP() << "it takes a network of the test's own, which cannot be made here: " << why;
    }
    const Server server("0.3", "",
                        with_faults("HURRY=50")); // two minutes become two to three seconds
    const Footprint before(server);
    Peer silent = server.client();
    EXPECT_TRUE(silent.hears("Welcome!", hint));
    Peer waiting = server.client();
    EXPECT_TRUE(waiting.hears("Welcome!", hint));
    waiting.say("Yam"); // while the server waits, the cable is pulled: no FIN, no RST, and no ACK
                        // for the answer
    ASSERT_TRUE(switch_loopback(false));
    for (const Peer* client : {&silent, &waiting}) {
        EXPECT_TRUE(server.prints("Connection from " + client->address() + " closed.\n"))
            << server.out() << server.err();
        EXPECT_TRUE(server.reports("Closing the connection from " + client->address() + ": recv"))
            << server.err();
    }
    ASSERT_TRUE(switch_loopback(true));
    EXPECT_TRUE(before.is_back(server));
}

// ---- Output that nobody takes -------------------------------------------------------------------

/// The server with its standard output going to `path`; the port comes from standard error.
struct MuteServer {
    explicit MuteServer(const std::string& redirection)
        : program(own("server") + " --port 0 --delay 0 " + redirection)
    {
        EXPECT_TRUE(program.reports(". Ctrl-C"));
        const std::string said = program.err();
        port = std::stoi(said.substr(said.rfind(':', said.find(". Ctrl-C")) + 1));
    }
    void greets(int how_many) const
    {
        for (int i = 0; i < how_many; ++i) {
            Peer client = Peer::to(port);
            ASSERT_TRUE(client.hears("Welcome!", hint)) << "client number " << i;
            client.say("Yam");
            ASSERT_TRUE(client.hears("Hello, Yam!", hint)) << "client number " << i;
        }
    }
    Program program;
    int port = 0;
};

TEST(LabFaults, GreetsAlthoughStandardOutputIsClosed)
{
    MuteServer server(">&-");
    server.greets(3);
    server.program.signal(SIGINT);
    EXPECT_EQ(server.program.status(), 0);
}

TEST(LabFaults, GreetsAlthoughNobodyReadsThePipeBehindStandardOutput)
{
    if (access("/dev/fd/0", F_OK) != 0) {
        GTEST_SKIP()
            << "without /dev/fd the server cannot open the pipe anew, and waits for its reader";
    }
    std::string path = "/tmp/lab-pipe-XXXXXX";
    ::close(mkstemp(path.data()));
    std::remove(path.c_str());
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const int filler = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const std::string block(4096, 'x');
    {
        MuteServer server(">" + path);
        while (write(filler, block.data(), block.size()) > 0) { // until the pipe is full
        }
        server.greets(20);
        EXPECT_TRUE(server.program.reports("dropped until it does"));
        std::string drained(1 << 20, '\0');
        EXPECT_GT(read(reader, drained.data(), drained.size()), 0); // somebody reads again
        server.greets(1);
        std::string later;
        EXPECT_TRUE(eventually([&] {
            std::string more(65536, '\0');
            const ssize_t n = read(reader, more.data(), more.size());
            later.append(more, 0, n > 0 ? static_cast<std::size_t>(n) : 0);
            return later.find(" closed.\n") != std::string::npos;
        })) << later;
        while (write(filler, block.data(), block.size()) > 0) {
        }
        server.program.signal(SIGINT);
        EXPECT_EQ(server.program.status(), 0)
            << "A full pipe must not keep the server from stopping.";
    }
    ::close(reader);
    ::close(filler);
    std::remove(path.c_str());
}

TEST(LabFaults, GreetsAlthoughTheTerminalIsPaused)
{
    int controller = -1;
    int terminal = -1;
    char name[256];
    if (openpty(&controller, &terminal, name, nullptr, nullptr) == -1 ||
        access("/dev/fd/0", F_OK) != 0) {
        GTEST_SKIP() << "no terminal can be made here (are /dev/pts and /dev/fd there?)";
    }
    {
        MuteServer server(std::string(">") + name);
        ASSERT_EQ(tcflow(terminal, TCOOFF), 0); // Ctrl-S
        server.greets(5);
        EXPECT_TRUE(server.program.reports("dropped until it does"));
        ASSERT_EQ(tcflow(terminal, TCOON), 0); // Ctrl-Q
        server.greets(3000); // nobody reads, so that what the terminal holds is full in the end
        server.program.signal(SIGINT);
        EXPECT_EQ(server.program.status(), 0);
    }
    ::close(controller);
    ::close(terminal);
}

// ---- Stopping -----------------------------------------------------------------------------------

TEST(LabFaults, StopsAtRandomMomentsUnderLoad)
{
    const char* wanted = std::getenv("STOPS"); // a thousand in CI
    const int stops = wanted != nullptr ? std::atoi(wanted) : 60;
    std::mt19937 random(static_cast<unsigned>(getpid()));
    for (int i = 0; i < stops; ++i) {
        Server server("0", deep_backlog);
        std::atomic<bool> over = false;
        std::thread flood([&] {
            while (!over) {
                try {
                    Peer client = Peer::to(server.port(), "127.0.0.1", Seconds(0));
                    client.say("Yam");
                    client.say("May");
                } catch (const std::system_error&) { // it has stopped
                }
            }
        });
        Peer steady = server.client();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
        server.signal(random() % 2 == 0 ? SIGINT : SIGTERM);
        steady.say("Sarah");
        const int status = server.status();
        over = true;
        flood.join();
        const std::string out = server.out();
        ASSERT_EQ(status, 0) << "stop number " << i << ", seed " << getpid();
        ASSERT_EQ(count(out, "Accept new"), count(out, " closed.\n"))
            << "stop number " << i << ": " << out;
    }
}

} // namespace
