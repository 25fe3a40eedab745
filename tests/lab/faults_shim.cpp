// faults_shim.cpp: a library to preload into a program, so that system calls fail as they may
// anywhere, but seldom do on a test machine. What the environment names is injected; everything
// else is passed on.
//   ONE_BYTE=1         recv and send move one byte at a time
//   INTERRUPT=n        every n-th accept, recv, send, connect, poll or write: EINTR
//   FAIL_THREADS=a-b   thread creations number a to b: EAGAIN
//   FAIL_ACCEPTS=a-b   accepts number a to b find no descriptor: EMFILE
//   ABORT_ACCEPTS=a-b  accepts number a to b meet a client that has left: ECONNABORTED
//   FAIL_MEMORY=FILE   while FILE exists, no block of 600 to 4000 bytes is to be had
//   HURRY=n            keepalive's times are n times as short
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

template<class Function> Function* next(const char* name)
{
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

/// Whether call number `count` lies in the range that the variable gives, as in 3-5.
bool in_range(const char* variable, int count)
{
    const char* range = std::getenv(variable);
    int first = 0;
    int last = 0;
    return range != nullptr && std::sscanf(range, "%d-%d", &first, &last) == 2 && first <= count &&
           count <= last;
}

/// Whether this call is to be interrupted.
bool interrupted()
{
    static const char* const every = std::getenv("INTERRUPT");
    static std::atomic<int> calls = 0;
    if (every == nullptr || ++calls % std::atoi(every) != 0) {
        return false;
    }
    errno = EINTR;
    return true;
}

std::size_t at_most(std::size_t size)
{
    static const bool one_byte = std::getenv("ONE_BYTE") != nullptr;
    return one_byte && size > 1 ? 1 : size;
}

} // namespace

extern "C" {

int accept(int fd, sockaddr* address, socklen_t* length)
{
    static auto* const real = next<int(int, sockaddr*, socklen_t*)>("accept");
    static std::atomic<int> calls = 0;
    const int count = ++calls;
    if (in_range("FAIL_ACCEPTS", count) || in_range("ABORT_ACCEPTS", count)) {
        errno = in_range("FAIL_ACCEPTS", count) ? EMFILE : ECONNABORTED;
        return -1;
    }
    return interrupted() ? -1 : real(fd, address, length);
}

int connect(int fd, const sockaddr* address, socklen_t length)
{
    static auto* const real = next<int(int, const sockaddr*, socklen_t)>("connect");
    const int result = real(fd, address, length); // an interrupted connect goes on in the kernel
    return interrupted() ? -1 : result;
}

ssize_t recv(int fd, void* buffer, std::size_t size, int flags)
{
    static auto* const real = next<ssize_t(int, void*, std::size_t, int)>("recv");
    return interrupted() ? -1 : real(fd, buffer, at_most(size), flags);
}

ssize_t send(int fd, const void* buffer, std::size_t size, int flags)
{
    static auto* const real = next<ssize_t(int, const void*, std::size_t, int)>("send");
    return interrupted() ? -1 : real(fd, buffer, at_most(size), flags);
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t length) noexcept
{
    using Set = int(int, int, int, const void*, socklen_t);
    static auto* const real = next<Set>("setsockopt");
    const char* hurry = std::getenv("HURRY");
    const bool seconds = option == TCP_KEEPIDLE || option == TCP_KEEPINTVL;
    if (hurry == nullptr || level != IPPROTO_TCP || (!seconds && option != TCP_USER_TIMEOUT)) {
        return real(fd, level, option, value, length);
    }
    const int faster = std::max(*static_cast<const int*>(value) / std::atoi(hurry), 1);
    return real(fd, level, option, &faster, sizeof faster);
}

ssize_t write(int fd, const void* buffer, std::size_t size)
{
    static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
    return interrupted() ? -1 : real(fd, buffer, size);
}

int poll(pollfd* fds, nfds_t count, int timeout)
{
    static auto* const real = next<int(pollfd*, nfds_t, int)>("poll");
    return interrupted() ? -1 : real(fds, count, timeout);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument)
{
    using Create = int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static auto* const real = next<Create>("pthread_create");
    static std::atomic<int> calls = 0;
    return in_range("FAIL_THREADS", ++calls) ? EAGAIN : real(thread, attributes, start, argument);
}

} // extern "C"

/// What std::string asks for. Replacing it is allowed to any program; here a library does it for
/// one.
void* operator new(std::size_t size)
{
    static const char* const file = std::getenv("FAIL_MEMORY");
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
