// faults_shim.cpp: a library to preload into a program, so that system calls fail as they may
// anywhere, but seldom do on a test machine. What the environment names is injected; everything
// else is passed on.
//   FAIL_call=E@a-b   calls number a to b of this name fail, with errno E
//   LATE_call=n       each call of this name begins n milliseconds later
//   INTERRUPT=n       of n accepts, the first two end with EINTR, and so on; so do recv, send,
//                     connect, poll, write, sendto and recvfrom
//   ONE_BYTE=1        recv, send and write move one byte at a time
//   NO_MEMORY=FILE    while FILE exists, no block of 600 to 4000 bytes is to be had
//   HURRY=n           a socket's times (keepalive, time-outs) are n times as short
//   HOSTS=name=a,b    the name has the addresses a and b, in this order
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sstream>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace
{

const char* wanted(const char* what, const char* name)
{
    return std::getenv((std::string(what) + name).c_str());
}

/// A system call of this name, and what is to happen to it.
struct Call {
    const char* const name;
    const char* const failure = wanted("FAIL_", name);
    const char* const late = wanted("LATE_", name);
    std::atomic<int> calls = 0;

    /// Waits if it has to be late. The errno with which it has to fail, or 0.
    int error()
    {
        int number = 0;
        int first = 0;
        int last = 0;
        ::usleep(late != nullptr ? static_cast<unsigned>(std::atoi(late)) * 1000 : 0);
        const int call = ++calls;
        return failure != nullptr &&
                       std::sscanf(failure, "%d@%d-%d", &number, &first, &last) == 3 &&
                       first <= call && call <= last
                   ? number
                   : 0;
    }
    /// The same, and whether a signal interrupts it.
    int error_or_signal()
    {
        static const char* const every = std::getenv("INTERRUPT");
        const int number = error();
        return number == 0 && every != nullptr && (calls - 1) % std::atoi(every) < 2 ? EINTR
                                                                                     : number;
    }
};

std::size_t at_most(std::size_t size)
{
    static const bool one_byte = std::getenv("ONE_BYTE") != nullptr;
    return one_byte && size > 1 ? 1 : size;
}

int failed(int error)
{
    errno = error;
    return -1;
}

} // namespace

/// The call of this name behind this library.
#define NEXT(name) reinterpret_cast<decltype(&::name)>(dlsym(RTLD_NEXT, #name))

/// Defines the call of this name, which fails, or is late, as it is wanted, and else is passed on.
#define CALL(result, name, parameters, outcome, arguments)                                         \
    result name parameters                                                                         \
    {                                                                                              \
        static Call call{#name};                                                                   \
        static auto* const real = NEXT(name);                                                      \
        const int number = call.outcome();                                                         \
        return number != 0 ? failed(number) : real arguments;                                      \
    }

extern "C" {

CALL(int, accept, (int fd, sockaddr* address, socklen_t* length), error_or_signal,
     (fd, address, length))
CALL(int, bind, (int fd, const sockaddr* address, socklen_t length) noexcept, error,
     (fd, address, length))
CALL(int, close, (int fd), error, (fd))
CALL(int, listen, (int fd, int backlog) noexcept, error, (fd, backlog))
CALL(int, poll, (pollfd * fds, nfds_t count, int timeout), error_or_signal, (fds, count, timeout))
CALL(ssize_t, recv, (int fd, void* buffer, std::size_t size, int flags), error_or_signal,
     (fd, buffer, at_most(size), flags))
CALL(ssize_t, recvfrom,
     (int fd, void* buffer, std::size_t size, int flags, sockaddr* from, socklen_t* length),
     error_or_signal, (fd, buffer, size, flags, from, length))
CALL(int, rename, (const char* from, const char* to) noexcept, error, (from, to))
CALL(ssize_t, send, (int fd, const void* buffer, std::size_t size, int flags), error_or_signal,
     (fd, buffer, at_most(size), flags))
CALL(ssize_t, sendto,
     (int fd, const void* buffer, std::size_t size, int flags, const sockaddr* to,
      socklen_t length),
     error_or_signal, (fd, buffer, size, flags, to, length))
CALL(ssize_t, write, (int fd, const void* buffer, std::size_t size), error_or_signal,
     (fd, buffer, at_most(size)))

int connect(int fd, const sockaddr* address, socklen_t length)
{
    static auto* const real = NEXT(connect);
    static Call call{"connect"};
    if (call.error_or_signal() == 0) {
        return real(fd, address, length);
    }
    const int flags = fcntl(fd, F_GETFL); // an interrupted connect goes on in the kernel
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    real(fd, address, length);
    fcntl(fd, F_SETFL, flags);
    return failed(EINTR);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument)
{
    static auto* const real = NEXT(pthread_create);
    static Call call{"pthread_create"};
    const int error = call.error();
    return error != 0 ? error : real(thread, attributes, start, argument);
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t length) noexcept
{
    static auto* const real = NEXT(setsockopt);
    const char* hurry = std::getenv("HURRY");
    const int times = hurry != nullptr ? std::atoi(hurry) : 1;
    if (level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO)) {
        const timeval given = *static_cast<const timeval*>(value);
        const long microseconds = (given.tv_sec * 1'000'000 + given.tv_usec) / times;
        const timeval faster{microseconds / 1'000'000, microseconds % 1'000'000};
        return real(fd, level, option, &faster, sizeof faster);
    }
    if (level == IPPROTO_TCP &&
        (option == TCP_KEEPIDLE || option == TCP_KEEPINTVL || option == TCP_USER_TIMEOUT)) {
        const int faster = std::max(*static_cast<const int*>(value) / times, 1);
        return real(fd, level, option, &faster, sizeof faster);
    }
    return real(fd, level, option, value, length);
}

int getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found)
{
    static auto* const real = NEXT(getaddrinfo);
    const std::string hosts = wanted("HOSTS", "") != nullptr ? wanted("HOSTS", "") : "";
    const std::size_t end = hosts.find('=');
    if (end == std::string::npos || hosts.substr(0, end) != host) {
        return real(host, port, hints, found);
    }
    std::istringstream addresses(hosts.substr(end + 1));
    for (std::string address; std::getline(addresses, address, ',');) {
        if (const int error = real(address.c_str(), port, hints, found); error != 0) {
            return error;
        }
        while (*found != nullptr) {
            found = &(*found)->ai_next;
        }
    }
    return 0;
}

} // extern "C"

/// What std::string asks for. Replacing it is allowed to any program; here a library does it for
/// one.
void* operator new(std::size_t size)
{
    static const char* const file = std::getenv("NO_MEMORY");
    void* block = file != nullptr && size > 600 && size < 4000 && access(file, F_OK) == 0
                      ? nullptr
                      : std::malloc(size);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t /*size*/) noexcept { std::free(block); }
