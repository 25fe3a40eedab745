// shim.cpp: a library that the wire preloads into a program, so that its calls on sockets
// are seen. It takes the clock before and after each, asks for the socket's state, and passes the
// call on as it is. ld.so(8), dlsym(3)
#include "call.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

template<class Function> Function* next(const char* name)
{
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

/// "127.0.0.1:9999", or nothing for a family that the lab does not use.
void write_address(char (&text)[64], const sockaddr* address)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address != nullptr && address->sa_family == AF_INET) {
        const auto* four = reinterpret_cast<const sockaddr_in*>(address);
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        std::snprintf(text, sizeof text, "%s:%d", host, ntohs(four->sin_port));
    } else if (address != nullptr && address->sa_family == AF_INET6) {
        const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        std::snprintf(text, sizeof text, "[%s]:%d", host, ntohs(six->sin6_port));
    }
}

/// The port of this end, or of the other one; 0 without one.
std::uint16_t port_of(int fd, decltype(getsockname) name)
{
    sockaddr_in6 address{}; // the port is in the same place for IPv4
    socklen_t length = sizeof address;
    const bool known = name(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    return known ? ntohs(address.sin6_port) : std::uint16_t(0);
}

/// Makes a call, and tells when it begins, and in the end what it returned.
class Told
{
  public:
    Told(const char* name, int fd, const char* arguments)
    {
        call_.pid = getpid();
        call_.thread = gettid();
        call_.fd = fd;
        std::snprintf(call_.name, sizeof call_.name, "%s", name);
        std::snprintf(call_.arguments, sizeof call_.arguments, "%s", arguments);
    }
    ~Told() { tell(); } // that it has returned
    Told(const Told&) = delete;
    Told& operator=(const Told&) = delete;
    void has_data(const void* data, ssize_t length)
    {
        call_.data_length = static_cast<std::int32_t>(
            std::clamp<ssize_t>(length, 0, static_cast<ssize_t>(sizeof call_.data)));
        if (call_.data_length > 0) {
            std::memcpy(call_.data, data, static_cast<std::size_t>(call_.data_length));
        }
    }
    void tell()
    {
        static const char* const where = std::getenv(wire_variable);
        const int error = errno;
        if (call_.fd != -1) {
            call_.port = port_of(call_.fd, getsockname);
            call_.peer = port_of(call_.fd, getpeername);
        }
        [[maybe_unused]] const ssize_t written = // if nobody listens, the program goes on
            where != nullptr ? write(std::atoi(where), &call_, sizeof call_) : 0;
        errno = error;
    }
    /// Takes the clock, tells, makes the call, and takes the clock again.
    template<class Function> auto around(Function function)
    {
        call_.time = now();
        tell();
        const auto result = function();
        call_.has_returned = true;
        call_.result = static_cast<std::int32_t>(result);
        call_.error = result == -1 ? errno : 0;
        call_.state = state(); // before the clock: a segment that changed it has passed by then
        call_.time = now();
        return result;
    }
    WireCall call_;

  private:
    static std::int64_t now()
    {
        timespec time{};
        clock_gettime(CLOCK_REALTIME, &time);
        return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    }
    int state() const
    {
        tcp_info info{};
        socklen_t length = sizeof info;
        const int error = errno;
        const int fd = std::strcmp(call_.name, "accept") == 0 ? call_.result : call_.fd;
        const bool known = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0;
        errno = error;
        return known ? info.tcpi_state : 0;
    }
};

bool is_socket(int fd)
{
    struct stat status {
    };
    const int error = errno;
    const bool answer = fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
    errno = error;
    return answer;
}

} // namespace

extern "C" {

int socket(int family, int type, int protocol)
{
    if (family != AF_INET && family != AF_INET6) {
        return next<decltype(socket)>("socket")(family, type, protocol);
    }
    const int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    Told told("socket", -1, kind == SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM");
    return told.around([&] { return next<decltype(socket)>("socket")(family, type, protocol); });
}

int bind(int fd, const sockaddr* address, socklen_t length)
{
    Told told("bind", fd, "");
    write_address(told.call_.arguments, address);
    return told.around([&] { return next<decltype(bind)>("bind")(fd, address, length); });
}

int listen(int fd, int backlog)
{
    Told told("listen", fd, std::to_string(backlog).c_str());
    return told.around([&] { return next<decltype(listen)>("listen")(fd, backlog); });
}

int accept(int fd, sockaddr* address, socklen_t* length)
{
    Told told("accept", fd, "");
    const int client =
        told.around([&] { return next<decltype(accept)>("accept")(fd, address, length); });
    if (client != -1) {
        write_address(told.call_.arguments, address);
        told.call_.fd = client; // its ports are what tells the clients apart
    }
    return client;
}

int connect(int fd, const sockaddr* address, socklen_t length)
{
    Told told("connect", fd, "");
    write_address(told.call_.arguments, address);
    return told.around([&] { return next<decltype(connect)>("connect")(fd, address, length); });
}

ssize_t send(int fd, const void* data, size_t size, int flags)
{
    Told told("send", fd, std::to_string(size).c_str());
    told.has_data(data, static_cast<ssize_t>(size));
    return told.around([&] { return next<decltype(send)>("send")(fd, data, size, flags); });
}

ssize_t recv(int fd, void* data, size_t size, int flags)
{
    Told told("recv", fd, std::to_string(size).c_str());
    const ssize_t received =
        told.around([&] { return next<decltype(recv)>("recv")(fd, data, size, flags); });
    told.has_data(data, received);
    return received;
}

ssize_t sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to,
               socklen_t length)
{
    Told told("sendto", fd, "");
    write_address(told.call_.arguments, to);
    told.has_data(data, static_cast<ssize_t>(size));
    return told.around(
        [&] { return next<decltype(sendto)>("sendto")(fd, data, size, flags, to, length); });
}

ssize_t recvfrom(int fd, void* data, size_t size, int flags, sockaddr* from, socklen_t* length)
{
    Told told("recvfrom", fd, std::to_string(size).c_str());
    const ssize_t received = told.around(
        [&] { return next<decltype(recvfrom)>("recvfrom")(fd, data, size, flags, from, length); });
    told.has_data(data, received);
    return received;
}

int shutdown(int fd, int how) noexcept
{
    Told told("shutdown", fd,
              how == SHUT_WR   ? "SHUT_WR"
              : how == SHUT_RD ? "SHUT_RD"
                               : "SHUT_RDWR");
    return told.around([&] { return next<decltype(shutdown)>("shutdown")(fd, how); });
}

int close(int fd)
{
    if (!is_socket(fd)) {
        return next<decltype(close)>("close")(fd);
    }
    Told told("close", fd, "");
    const int result = told.around([&] { return next<decltype(close)>("close")(fd); });
    told.call_.fd = -1; // it may be another thread's by now; the ports are known
    return result;
}
}
