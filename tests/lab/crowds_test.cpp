// Clients as a class has them: storms, resets, silence, machines that vanish. After each, the
// server serves a new client, and has what it had before.
#include "lab.hpp"

#include <atomic>
#include <csignal>
#include <random>
#include <thread>

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
                    if (testing::Test::HasFailure()) {
                        return; // thousands of failures say no more than one
                    }
                }
            });
        }
        for (std::thread& thread : crowd) {
            thread.join();
        }
    };
    come_and_go(1000);
    const long resident = memory_of(server, "VmRSS");
    come_and_go(2000);
    EXPECT_TRUE(before.is_back(server));
    EXPECT_LE(memory_of(server, "VmRSS") - resident,
              with_faults("") == "env LD_PRELOAD=  " ? 50'000 : 1'000)
        << "It has grown (KiB); under a sanitizer, which keeps freed blocks, it may.";
}

TEST(LabFaults, ServesOthersBesideThoseThatNeverReadOrTrickle)
{
    Server server;
    const Footprint before(server);
    {
        const Peer deaf = deaf_client(server);
        Peer slow = welcomed(server);
        for (const std::string letter : {"Y", "a", "m"}) {
            EXPECT_TRUE(greets(slow, letter));
            EXPECT_TRUE(serves(server));
        }
        EXPECT_TRUE(stays_silent(server, slow));
        EXPECT_EQ(server.out().find("Connection from " + deaf.address()), std::string::npos)
            << "Whoever does not read for a moment is cut off.";
    }
    EXPECT_TRUE(before.is_back(server));
}

TEST(LabFaults, ClosesAClientThatTakesNoAnswersForTheIdleTimeout)
{
    Server server("0", "--idle-timeout 0.3");
    const Peer deaf = deaf_client(server);
    EXPECT_TRUE(prints(server, "Connection from " + deaf.address() + " closed.\n"));
}

TEST_F(ServerAlone, NoticesWithinTwoMinutesThatAClientsMachineHasVanished)
{
    const Server server("0.3", "", with_faults("HURRY=20")); // two minutes are six seconds
    const Footprint before(server);
    Peer silent = welcomed(server);
    Peer waiting = welcomed(server);
    waiting.say("Yam"); // while the server waits, the cable is pulled: no FIN, no RST, and no ACK
                        // for the answer
    ASSERT_TRUE(switch_card("lo", false));
    const auto start = Clock::now();
    for (const Peer* client : {&silent, &waiting}) {
        EXPECT_TRUE(prints(server, "Connection from " + client->address() + " closed.\n"));
        EXPECT_TRUE(reports(server, "Closing the connection from " + client->address() + ": recv"));
    }
    EXPECT_LT(since(start), 9) << "This would be three minutes.";
    EXPECT_GT(since(start), 3) << "After a minute, a client that is silent would be cut off.";
    ASSERT_TRUE(switch_card("lo", true));
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
