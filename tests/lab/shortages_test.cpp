// Shortages and interruptions, injected for real: descriptors, threads, memory, signals. After
// each, the server serves a new client, and has what it had before.
#include "faults.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

using namespace lab;

namespace
{

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

} // namespace
