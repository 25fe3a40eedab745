// lab.hpp: what the lab's own tests share: assertions about a program that say what it did, the
// preloaded library of faults, and a server's footprint.
#pragma once

#include "tests/checks/harness.hpp"
#include "tests/watch/network.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/syscalls.hpp"

#include <algorithm>
#include <clocale>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lab
{

inline const std::string hint = "server.cpp";

// ---- What a machine may lack --------------------------------------------------------------------

/// Skips the test unless there is what it needs.
#define NEEDS(thing)                                                                               \
    if (!(thing)) {                                                                                \
        GTEST_SKIP() << "this machine lacks what it needs: " #thing;                               \
    }                                                                                              \
    static_assert(true)

inline const bool dev_fd = access("/dev/fd/0", F_OK) == 0; ///< with it a pipe can be opened anew
inline const locale_t utf_8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
inline const bool ipv6 = [] {
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in6 any{AF_INET6, 0, 0, in6addr_loopback, 0};
    const bool has = bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
    close(fd);
    return has;
}();
/// True if so many processes and threads are allowed, to a user and in a container. getrlimit(2)
inline bool allows_threads(rlim_t count)
{
    rlimit limit{};
    getrlimit(RLIMIT_NPROC, &limit);
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        for (const std::string top : {"/sys/fs/cgroup", "/sys/fs/cgroup/pids"}) {
            rlim_t most = 0;
            std::ifstream file(top + line.substr(line.rfind(':') + 1) + "/pids.max");
            limit.rlim_cur = file >> most ? std::min(limit.rlim_cur, most) : limit.rlim_cur;
        }
    }
    return count <= limit.rlim_cur;
}
/// Runs a command as on a machine that lacks what is named behind it; make test says where it is.
inline const std::string lacking = variable("LAB_LACKING");

/// A folder of the test's own, which is gone afterwards.
struct Folder {
    Folder() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
    ~Folder()
    {
        std::error_code ignored; // a program may still write there: side_by_side removes the rest
        std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    bool has(const std::string& name) const { return std::filesystem::exists(path + "/" + name); }
    std::string path = (variable("TMPDIR").empty() ? "/tmp" : variable("TMPDIR")) + "/lab-XXXXXX";
};

// ---- What a failure says ------------------------------------------------------------------------

/// How it went with a program: its command, what became of it, and what it printed.
inline std::string story(Program& program)
{
    const auto lines = [](const std::string& text) {
        return text.empty() ? " nothing\n" : "\n" + shortened(text);
    };
    return "\n--- " + program.command() + "\n--- " + program.fate().english() +
           "\n--- standard output:" + lines(program.out()) +
           "--- standard error:" + lines(program.err());
}

/// When a test fails, each program that it started tells its story.
inline const bool programs_tell = [] {
    Program::at_end = [](Program& program) {
        if (testing::Test::HasFailure() || std::uncaught_exceptions() > 0) {
            std::cout << story(program) << std::flush;
        }
    };
    return true;
}();

inline testing::AssertionResult has(const char* where, const std::string& text, bool found)
{
    return found ? testing::AssertionSuccess()
                 : testing::AssertionFailure() << where << " has no " << quote(text) << ", after "
                                               << patience.count() << " s";
}
/// Success once the program has printed this, or reported it.
inline testing::AssertionResult prints(const Program& program, const std::string& text)
{
    return has("standard output", text, program.prints(text));
}
inline testing::AssertionResult reports(const Program& program, const std::string& text)
{
    return has("standard error", text, program.reports(text));
}

/// Success if the program ends by itself, with this exit status.
inline testing::AssertionResult ends(Program& program, int status = 0, Seconds limit = patience)
{
    const int got = program.status(limit);
    if (got == -1) {
        return testing::AssertionFailure() << "it is still running after " << limit.count() << " s";
    }
    return got == status
               ? testing::AssertionSuccess()
               : testing::AssertionFailure() << "it " << program.fate() << ", not with " << status;
}

/// Success if the program ends with this exit status and one sentence on standard error, in which
/// all of `words` stand.
inline testing::AssertionResult fails(Program& program, int status,
                                      const std::vector<std::string>& words)
{
    testing::AssertionResult result = ends(program, status);
    const std::string said = program.err();
    if (result && (said.find('\n') != said.size() - 1 || said.ends_with("..\n"))) {
        return testing::AssertionFailure() << "not one sentence: " << quote(said);
    }
    for (const std::string& word : words) {
        if (result && said.find(word) == std::string::npos) {
            return testing::AssertionFailure() << quote(word) << " is not in " << quote(said);
        }
    }
    return result;
}

/// Success if a program of the lab does so with this command line, with exit status 2, and prints
/// nothing.
inline testing::AssertionResult refuses(const std::string& command,
                                        const std::vector<std::string>& words, int status = 2)
{
    Program program(own(command));
    const auto result = fails(program, status, words);
    return result && program.out().empty()
               ? result
               : testing::AssertionFailure() << result.message() << story(program);
}

// ---- Conversations ------------------------------------------------------------------------------

/// A client that has been welcomed. Throws if it is not: then there is nothing else to be seen.
inline Peer welcomed(const Server& server)
{
    Peer client = server.client();
    const auto result = client.hears("Welcome!", hint);
    return result ? std::move(client) : throw std::runtime_error(result.message());
}

inline testing::AssertionResult greets(Peer& client, const std::string& name = "Yam")
{
    client.say(name);
    return client.hears("Hello, " + name + "!", hint);
}

inline testing::AssertionResult serves(const Server& server, const std::string& name = "Yam")
{
    Peer client = server.client();
    const auto result = client.hears("Welcome!", hint);
    return result ? greets(client, name) : result;
}

/// Success if the program comes to rest and has sent nothing to this peer.
inline testing::AssertionResult stays_silent(Program& program, Peer& peer)
{
    return program.until([&] { return peer.has_news(); }, Seconds(0.3))
               ? testing::AssertionFailure() << "it sent " << quote(peer.receive_now())
               : testing::AssertionSuccess();
}

/// The thread of a server that waits in recv; 0 if there is none.
inline pid_t receiving_thread_of(const Server& server)
{
    const std::string tasks = "/proc/" + std::to_string(server.pid()) + "/task";
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
        const pid_t thread = std::stoi(task.path().filename());
        if (occupation_of(server.pid(), thread) == "waits in recv") {
            return thread;
        }
    }
    return 0;
}

/// Says a name to a server that has no other client, and waits until it pauses before it answers.
/// False if that was not seen.
inline bool is_seen_to_pause(const Server& server, Peer& client, const std::string& name)
{
    if (access("/proc/self/stat", R_OK) != 0) { // nothing is seen here
        client.say(name);
        return !client.has_news(Seconds(0.1));
    }
    pid_t thread = 0; // and no other: a sanitizer has one that sleeps at all times
    eventually([&] { return (thread = receiving_thread_of(server)) != 0; });
    client.say(name);
    eventually([&] {
        return occupation_of(server.pid(), thread) == "waits in sleep" || client.has_news();
    });
    return !client.has_news();
}

/// A client whose socket has this option (of SOL_SOCKET) before it connects. Nothing if it cannot.
template<class Value>
std::optional<Peer> client_with(const Server& server, int option, const Value& value)
{
    Peer client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(static_cast<in_port_t>(server.port()));
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(client.fd(), SOL_SOCKET, option, &value, sizeof value);
    const auto* address = reinterpret_cast<const sockaddr*>(&there);
    return connect(client.fd(), address, sizeof there) == 0 ? std::optional(std::move(client))
                                                            : std::nullopt;
}

/// A client that sends names and reads no answer, until the server can send no more, and so
/// receives no more.
inline Peer deaf_client(Server& server)
{
    Peer client = client_with(server, SO_RCVBUF, 1024).value();
    const std::string names(1024, 'x');
    server.until(
        [&] {
            while (send(client.fd(), names.data(), names.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
            }
            return false;
        },
        Seconds(0.3), patience);
    return client;
}

// ---- Faults -------------------------------------------------------------------------------------

/// For floods: where the backlog is full, the kernel drops a SYN, and the client repeats it after a
/// whole second.
inline const std::string deep_backlog = "--backlog 4096";

/// What to put before a command so that it runs under a limit of the shell's.
inline std::string with_limit(const std::string& ulimit)
{
    return "sh -c '" + ulimit + R"(; exec "$0" "$@"' )";
}

/// What to put before a command so that the faults named in `environment` are injected into it:
/// faults_shim.cpp
inline std::string with_faults(const std::string& environment)
{
    return "env LD_PRELOAD=" + variable("LAB_SHIM") + " " + environment + " ";
}
/// The fault that calls number `first` to `last` of this name fail.
inline std::string failing(const std::string& call, int error, int first = 1, int last = 1)
{
    return "FAIL_" + call + "=" + std::to_string(error) + "@" + std::to_string(first) + "-" +
           std::to_string(last);
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
using ServerFaults = Injected; // each named after what is started
using ClientFaults = Injected;
using LessonFaults = Injected;

/// For tests that need ports, or a cable, of their own.
class Alone : public Injected
{
  protected:
    void SetUp() override
    {
        std::string why;
        Injected::SetUp();
        if (!IsSkipped() && !enter_private_network(why)) {
            GTEST_SKIP() << "it takes a network of the test's own, which cannot be made: " << why;
        }
    }
};
using ServerAlone = Alone;
using ClientAlone = Alone;
using LessonAlone = Alone;

/// The descriptors and threads that a server has, so that a test can see it come back to them.
struct Footprint {
    explicit Footprint(const Server& server)
    {
        EXPECT_TRUE(serves(server)); // now it has all its threads
        EXPECT_TRUE(prints(server, " closed.\n"));
        before = activity_of(server.pid());
    }
    testing::AssertionResult is_back(const Server& server) const
    {
        const auto served = serves(server);
        if (before.processes == 0 || !served) { // there is no /proc here to see it
            return served;
        }
        Activity now;
        return eventually([&] {
            now = activity_of(server.pid());
            return now.descriptors <= before.descriptors && now.threads <= before.threads;
        })
                   ? testing::AssertionSuccess()
                   : testing::AssertionFailure()
                         << "descriptors " << before.descriptors << ", now " << now.descriptors
                         << "; threads " << before.threads << ", now " << now.threads;
    }
    Activity before;
};

/// "VmRSS" or "VmSize" of a program, in KiB; -1 if that cannot be seen. proc_pid_status(5)
inline long memory_of(const Program& program, const std::string& what)
{
    std::ifstream status("/proc/" + std::to_string(program.pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(what + ":")) {
            return std::stol(line.substr(what.size() + 1));
        }
    }
    return -1;
}

inline long count(const std::string& text, const std::string& word)
{
    long found = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
        ++found;
    }
    return found;
}

} // namespace lab
