// Clients as a class has them: storms, resets, silence, machines that vanish. After each, the
// server serves a new client, and has what it had before.
#include "../checks/network.hpp"
#include "faults.hpp"

#include <atomic>
#include <csignal>
#include <random>
#include <thread>

#include <sys/socket.h>

using namespace lab;

namespace
{

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
