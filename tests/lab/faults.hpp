// faults.hpp: what the tests of faults share: the preloaded library, and a server's footprint.
#pragma once

#include "../checks/harness.hpp"

#include <string>

namespace lab
{

inline const std::string hint = "server.cpp";

/// For floods: where the backlog is full, the kernel drops a SYN, and the client repeats it after a
/// whole second.
inline const std::string deep_backlog = "--backlog 4096";

inline testing::AssertionResult serves(const Server& server, const std::string& name = "Yam")
{
    Peer client = server.client();
    const auto welcomed = client.hears("Welcome!", hint);
    client.say(name);
    return welcomed ? client.hears("Hello, " + name + "!", hint) : welcomed;
}

/// What to put before a command so that the faults named in `environment` are injected into it.
inline std::string with_faults(const std::string& environment)
{
    return "env LD_PRELOAD=" + variable("LAB_SHIM") + " " + environment + " ";
}

/// For tests that preload a library, which cannot be done to a program with a sanitizer in it.
class Injected : public testing::Test
{
  protected:
    void SetUp() override
    {
        if (variable("LAB_SHIM").empty()) {
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

inline long count(const std::string& text, const std::string& word)
{
    long found = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
        ++found;
    }
    return found;
}

} // namespace lab
