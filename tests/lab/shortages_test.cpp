// Shortages and interruptions, injected for real: descriptors, threads, memory, signals. After
// each, the server serves a new client, and has what it had before.
#include "lab.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/resource.h>
#include <unistd.h>

using namespace lab;

namespace
{

TEST(LabFaults, WaitsWithoutCpuTimeWhileThereAreNoDescriptors)
{
    const Server server;
    const Footprint before(server);
    if (before.before.processes == 0) {
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
    EXPECT_TRUE(reports(server, "accept 127.0.0.1:" + std::to_string(server.port()) +
                                    ": Too many open files"));
    const long ticks = activity_of(server.pid()).ticks;
    EXPECT_FALSE(clients[2].has_news(Seconds(1.5)));
    EXPECT_LE(activity_of(server.pid()).ticks - ticks, 2)
        << "It is busy while it cannot do anything (hundredths of a second).";
    EXPECT_EQ(count(server.err(), "Too many open files"), 1) << "Once is enough: " << server.err();
    clients[0].say("exit");
    EXPECT_TRUE(clients[2].hears("Welcome!", hint)) << "One has left: there is room for the next.";
    EXPECT_TRUE(eventually([&] { return count(server.err(), "Too many open files") == 2; }))
        << "That was another shortage, of which it says nothing: " << server.err();
    clients.clear();
    EXPECT_TRUE(before.is_back(server));
}

TEST_F(ServerFaults, ClosesAClientForWhomThereIsNoThreadAndServesTheNext)
{
    // The first thread waits for Ctrl-C, the second serves the client of Footprint.
    const Server server("0", "", with_faults(failing("pthread_create", EAGAIN, 3, 4)));
    const Footprint before(server);
    for (int i = 0; i < 2; ++i) {
        Peer unlucky = server.client();
        EXPECT_TRUE(unlucky.sees_the_end(hint));
        EXPECT_TRUE(reports(server, "No thread for " + unlucky.address()));
    }
    EXPECT_TRUE(before.is_back(server));
}

TEST_F(ServerFaults, ClosesAClientForWhoseReplyThereIsNoMemory)
{
    const Folder no_memory;
    const Server server("0", "", with_faults("NO_MEMORY=" + no_memory.path));
    const Footprint before(server);
    Peer unlucky = server.client();
    EXPECT_TRUE(unlucky.hears("Welcome!", hint));
    unlucky.say(std::string(1000, 'x'));
    EXPECT_TRUE(unlucky.sees_the_end(hint));
    EXPECT_TRUE(reports(server, "bad_alloc"));
    EXPECT_TRUE(serves(server)) << "A short name needs no such block.";
    std::filesystem::remove(no_memory.path);
    EXPECT_TRUE(serves(server, std::string(1000, 'x')));
    EXPECT_TRUE(before.is_back(server));
}

TEST_F(ServerFaults, TakesUpEveryCallThatASignalInterrupts)
{
    for (const std::string every : {"1000000", "3", "5"}) {
        const std::string faults = with_faults("INTERRUPT=" + every);
        Server server("0", "", faults);
        Program client(faults + own("client") + " --port " + std::to_string(server.port()));
        EXPECT_TRUE(ends(client));
        EXPECT_EQ(client.out(), "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n");
        EXPECT_TRUE(prints(server, " closed.\n"));
        server.signal(SIGINT);
        EXPECT_TRUE(ends(server));
        EXPECT_EQ(count(server.out(), "\n"), 3) << server.out();
        EXPECT_EQ(server.err().find("warning"), std::string::npos) << server.err();
    }
}

TEST_F(ServerFaults, SendsAndPrintsAllOfWhatACallTakesInParts)
{
    const Server server("0", "", with_faults("ONE_BYTE=1"));
    std::vector<Peer> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(server.client());
    }
    for (Peer& client : clients) {
        EXPECT_EQ(client.receive(8), "Welcome!") << "send takes a part: the rest has to follow.";
        const std::string line = "\nAccept new connection from " + client.address() + "...\n";
        EXPECT_TRUE(prints(server, line)) << "Lines of two threads are mixed, or torn.";
    }
}

TEST_F(ServerFaults, PassesOverConnectionsThatAreGoneBeforeAccept)
{
    const Server server("0", "", with_faults(failing("accept", ECONNABORTED, 1, 50)));
    EXPECT_EQ(server.err().find("abort"), std::string::npos) << server.err();
}

} // namespace
