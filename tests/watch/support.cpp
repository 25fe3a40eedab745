#include "support.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lab
{
namespace
{

/// The process groups of the programs that run, for a signal handler; 0 is a free place.
std::array<std::atomic<pid_t>, 64> running;

extern "C" void end_programs(int number)
{
    for (const std::atomic<pid_t>& group : running) {
        if (group != 0) {
            kill(-group, SIGKILL);
        }
    }
    ::signal(number, SIG_DFL);
    raise(number); // when this returns
}

} // namespace

void note_running(pid_t before, pid_t now)
{
    for (std::atomic<pid_t>& place : running) {
        pid_t expected = before;
        if (place.compare_exchange_strong(expected, now)) {
            return;
        }
    }
}

void end_programs_on_signals()
{
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        ::signal(number, end_programs);
    }
}

void fail(const std::string& what)
{
    throw std::system_error(errno, std::generic_category(), "the test itself could not " + what);
}

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool is_marking() { return !variable("MARKING").empty(); }

const Seconds patience{variable("PATIENCE").empty() ? 10 : std::stod(variable("PATIENCE"))};

bool eventually(const std::function<bool()>& condition, Seconds limit)
{
    const auto start = Clock::now();
    for (auto look = start; !condition(); look = Clock::now()) {
        if (Clock::now() > start + limit) {
            return false;
        }
        rest_from(look);
    }
    return true;
}

void rest_from(Clock::time_point look)
{
    const Seconds cost = Clock::now() - look;
    std::this_thread::sleep_for(
        std::clamp(4 * cost, times::between_looks / 5, times::between_looks));
}

int temporary_file()
{
    const std::string folder = variable("TMPDIR").empty() ? "/tmp" : variable("TMPDIR");
    int fd = // not every file system knows O_TMPFILE. open(2)
        open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd == -1) {
        fd = memfd_create("output", MFD_CLOEXEC);
    }
    if (fd == -1 || fcntl(fd, F_SETFL, O_APPEND) == -1) {
        fail("make a temporary file");
    }
    return fd;
}

int full_pipe(int& other_end)
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == -1) {
        fail("make a pipe");
    }
    const std::array<char, 4096> bytes{};
    while (write(ends[1], bytes.data(), bytes.size()) > 0) {
    }
    fcntl(ends[1], F_SETFL, 0); // from now on, who writes waits
    other_end = ends[0];
    return ends[1];
}

std::string contents(int fd, std::size_t most)
{
    std::string text;
    std::array<char, 65536> buffer;
    for (ssize_t n; text.size() < most && (n = pread(fd, buffer.data(), buffer.size(),
                                                     static_cast<off_t>(text.size()))) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
}

} // namespace lab
