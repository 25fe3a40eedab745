// shim.cpp: a library that the wire preloads into a program, so that its calls on TCP and UDP
// sockets are seen, by whatever name it makes them. It takes the clock before and after each, asks
// for the socket's state, and passes the call on as it is. ld.so(8), dlsym(3)
#undef _FORTIFY_SOURCE // the functions below are what it would replace
#include "call.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace
{

/// The C library's own function of that name.
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
        const bool is_four = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr); // ipv6(7)
        inet_ntop(is_four ? AF_INET : AF_INET6, six->sin6_addr.s6_addr + (is_four ? 12 : 0), host,
                  sizeof host);
        std::snprintf(text, sizeof text, is_four ? "%s:%d" : "[%s]:%d", host,
                      ntohs(six->sin6_port));
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

/// True for a socket of TCP or UDP. read and write take any descriptor, and a program may have
/// sockets of other families for itself. socket(7)
bool is_seen(int fd)
{
    const int error = errno;
    int family = 0;
    socklen_t length = sizeof family;
    const bool known = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0;
    errno = error;
    return known && (family == AF_INET || family == AF_INET6);
}

/// Writes a message to the wire. If nobody listens, the program goes on.
void tell(WireCall& call)
{
    static const char* const where = std::getenv(wire_variable);
    const int error = errno;
    char path[64] = "";
    if (where != nullptr && std::sscanf(where, "%63s %d", path, &call.player) == 2) {
        const int wire = open(path, O_WRONLY | O_CLOEXEC);
        next<decltype(write)>("write")(wire, &call, sizeof call);
        next<decltype(close)>("close")(wire);
    }
    errno = error;
}

/// Makes a call, and tells when it begins, and in the end what it returned.
class Told
{
  public:
    Told(WireCall::Kind kind, const char* name, int fd)
    {
        call_.kind = kind;
        call_.thread = static_cast<pid_t>(::syscall(SYS_gettid));
        call_.fd = fd;
        std::snprintf(call_.name, sizeof call_.name, "%s", name);
    }
    ~Told() { tell_all(); } // that it has returned
    Told(const Told&) = delete;
    Told& operator=(const Told&) = delete;

    void has_size(std::size_t size)
    {
        std::snprintf(call_.arguments, sizeof call_.arguments, "%zu", size);
    }
    void has_data(const void* data, ssize_t length)
    {
        const iovec block{const_cast<void*>(data),
                          static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
        has_data(&block, 1, length);
    }
    /// The first `length` bytes in these blocks. readv(2)
    void has_data(const iovec* blocks, std::size_t count, ssize_t length)
    {
        call_.length = length;
        std::size_t used = 0;
        for (std::size_t i = 0; i < count && static_cast<ssize_t>(used) < length; ++i) {
            const std::size_t part = std::min({blocks[i].iov_len, sizeof call_.data - used,
                                               static_cast<std::size_t>(length) - used});
            std::memcpy(call_.data + used, blocks[i].iov_base, part);
            used += part;
        }
        call_.data_length = static_cast<std::int32_t>(used);
    }
    /// Takes the clock, tells, makes the call, and takes the clock again.
    template<class Function> auto around(Function function)
    {
        call_.time = now();
        tell_all();
        const auto result = function();
        const int error = errno;
        call_.has_returned = true;
        call_.result = static_cast<std::int32_t>(result);
        call_.error = result == -1 ? error : 0;
        call_.never_waits =
            result == -1 && error == EAGAIN && (fcntl(call_.fd, F_GETFL) & O_NONBLOCK) != 0;
        call_.state = state(); // before the clock: a segment that changed it has passed by then
        call_.time = now();
        errno = error;
        return result;
    }
    WireCall call_;

  private:
    void tell_all()
    {
        const int error = errno;
        if (call_.fd != -1) {
            call_.port = port_of(call_.fd, getsockname);
            call_.peer = port_of(call_.fd, getpeername);
        }
        errno = error;
        tell(call_);
    }
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
        const int fd = call_.kind == WireCall::Kind::accept ? call_.result : call_.fd;
        return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_state : 0;
    }
};

template<class Function>
ssize_t sends(const char* name, int fd, const void* data, size_t size, Function function)
{
    if (!is_seen(fd)) {
        return function();
    }
    Told told(WireCall::Kind::send, name, fd);
    told.has_data(data, static_cast<ssize_t>(size));
    return told.around(function);
}

template<class Function>
ssize_t receives(const char* name, int fd, const void* data, size_t size, Function function)
{
    if (!is_seen(fd)) {
        return function();
    }
    Told told(WireCall::Kind::receive, name, fd);
    told.has_size(size);
    const ssize_t received = told.around(function);
    told.has_data(data, received);
    return received;
}

size_t size_of(const iovec* blocks, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; ++i) {
        sum += blocks[i].iov_len;
    }
    return sum;
}

/// The same for data in several blocks.
template<class Function>
ssize_t moves(WireCall::Kind kind, const char* name, int fd, const iovec* blocks, size_t count,
              Function function)
{
    if (!is_seen(fd)) {
        return function();
    }
    Told told(kind, name, fd);
    const size_t size = size_of(blocks, count);
    told.has_size(size);
    if (kind == WireCall::Kind::send) {
        told.has_data(blocks, count, static_cast<ssize_t>(size));
        return told.around(function);
    }
    const ssize_t received = told.around(function);
    told.has_data(blocks, count, received);
    return received;
}

template<class Function>
int accepts(const char* name, int fd, sockaddr* address, const socklen_t* length, Function function)
{
    if (!is_seen(fd)) {
        return function();
    }
    Told told(WireCall::Kind::accept, name, fd);
    const int client = told.around(function);
    if (client != -1) {
        sockaddr_storage peer{}; // the program may not have asked who it is
        socklen_t size = sizeof peer;
        const bool asked = address != nullptr && length != nullptr;
        if (!asked) {
            getpeername(client, reinterpret_cast<sockaddr*>(&peer), &size);
        }
        write_address(told.call_.arguments, asked ? address : reinterpret_cast<sockaddr*>(&peer));
        told.call_.fd = client; // its ports are what tells the clients apart
    }
    return client;
}

} // namespace

extern "C" {

int socket(int family, int type, int protocol)
{
    const auto call = [&] { return next<decltype(socket)>("socket")(family, type, protocol); };
    if (family != AF_INET && family != AF_INET6) {
        return call();
    }
    Told told(WireCall::Kind::other, "socket", -1);
    const int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    std::snprintf(told.call_.arguments, sizeof told.call_.arguments, "%s",
                  kind == SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM");
    return told.around(call);
}

int bind(int fd, const sockaddr* address, socklen_t length)
{
    const auto call = [&] { return next<decltype(bind)>("bind")(fd, address, length); };
    if (!is_seen(fd)) {
        return call();
    }
    Told told(WireCall::Kind::other, "bind", fd);
    write_address(told.call_.arguments, address);
    return told.around(call);
}

int listen(int fd, int backlog)
{
    const auto call = [&] { return next<decltype(listen)>("listen")(fd, backlog); };
    if (!is_seen(fd)) {
        return call();
    }
    Told told(WireCall::Kind::other, "listen", fd);
    std::snprintf(told.call_.arguments, sizeof told.call_.arguments, "%d", backlog);
    return told.around(call);
}

int accept(int fd, sockaddr* address, socklen_t* length)
{
    return accepts("accept", fd, address, length,
                   [&] { return next<decltype(accept)>("accept")(fd, address, length); });
}

int accept4(int fd, sockaddr* address, socklen_t* length, int flags)
{
    return accepts("accept4", fd, address, length,
                   [&] { return next<decltype(accept4)>("accept4")(fd, address, length, flags); });
}

int connect(int fd, const sockaddr* address, socklen_t length)
{
    const auto call = [&] { return next<decltype(connect)>("connect")(fd, address, length); };
    if (!is_seen(fd)) {
        return call();
    }
    Told told(WireCall::Kind::connect, "connect", fd);
    write_address(told.call_.arguments, address);
    return told.around(call);
}

ssize_t send(int fd, const void* data, size_t size, int flags)
{
    return sends("send", fd, data, size,
                 [&] { return next<decltype(send)>("send")(fd, data, size, flags); });
}

ssize_t write(int fd, const void* data, size_t size)
{
    return sends("write", fd, data, size,
                 [&] { return next<decltype(write)>("write")(fd, data, size); });
}

ssize_t writev(int fd, const iovec* blocks, int count)
{
    return moves(WireCall::Kind::send, "writev", fd, blocks, static_cast<size_t>(count),
                 [&] { return next<decltype(writev)>("writev")(fd, blocks, count); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags)
{
    return moves(WireCall::Kind::send, "sendmsg", fd, message->msg_iov, message->msg_iovlen,
                 [&] { return next<decltype(sendmsg)>("sendmsg")(fd, message, flags); });
}

ssize_t sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to,
               socklen_t length)
{
    const auto call = [&] {
        return next<decltype(sendto)>("sendto")(fd, data, size, flags, to, length);
    };
    if (!is_seen(fd)) {
        return call();
    }
    Told told(WireCall::Kind::send, "sendto", fd);
    write_address(told.call_.arguments, to);
    told.has_data(data, static_cast<ssize_t>(size));
    return told.around(call);
}

ssize_t recv(int fd, void* data, size_t size, int flags)
{
    return receives("recv", fd, data, size,
                    [&] { return next<decltype(recv)>("recv")(fd, data, size, flags); });
}

ssize_t read(int fd, void* data, size_t size)
{
    return receives("read", fd, data, size,
                    [&] { return next<decltype(read)>("read")(fd, data, size); });
}

ssize_t readv(int fd, const iovec* blocks, int count)
{
    return moves(WireCall::Kind::receive, "readv", fd, blocks, static_cast<size_t>(count),
                 [&] { return next<decltype(readv)>("readv")(fd, blocks, count); });
}

ssize_t recvmsg(int fd, msghdr* message, int flags)
{
    return moves(WireCall::Kind::receive, "recvmsg", fd, message->msg_iov, message->msg_iovlen,
                 [&] { return next<decltype(recvmsg)>("recvmsg")(fd, message, flags); });
}

ssize_t recvfrom(int fd, void* data, size_t size, int flags, sockaddr* from, socklen_t* length)
{
    return receives("recvfrom", fd, data, size, [&] {
        return next<decltype(recvfrom)>("recvfrom")(fd, data, size, flags, from, length);
    });
}

// What a compiler that checks the sizes of buffers makes of the same calls: the names are the C
// library's.
// NOLINTBEGIN(*-reserved-identifier,cert-dcl*)
ssize_t __recv_chk(int fd, void* data, size_t size, size_t room, int flags)
{
    return receives("recv", fd, data, size, [&] {
        return next<decltype(__recv_chk)>("__recv_chk")(fd, data, size, room, flags);
    });
}

ssize_t __read_chk(int fd, void* data, size_t size, size_t room)
{
    return receives("read", fd, data, size,
                    [&] { return next<decltype(__read_chk)>("__read_chk")(fd, data, size, room); });
}

ssize_t __recvfrom_chk(int fd, void* data, size_t size, size_t room, int flags, sockaddr* from,
                       socklen_t* length)
{
    return receives("recvfrom", fd, data, size, [&] {
        return next<decltype(__recvfrom_chk)>("__recvfrom_chk")(fd, data, size, room, flags, from,
                                                                length);
    });
}
// NOLINTEND(*-reserved-identifier,cert-dcl*)

int shutdown(int fd, int how) noexcept
{
    const auto call = [&] { return next<decltype(shutdown)>("shutdown")(fd, how); };
    if (!is_seen(fd)) {
        return call();
    }
    Told told(WireCall::Kind::other, "shutdown", fd);
    std::snprintf(told.call_.arguments, sizeof told.call_.arguments, "%s",
                  how == SHUT_WR   ? "SHUT_WR"
                  : how == SHUT_RD ? "SHUT_RD"
                                   : "SHUT_RDWR");
    return told.around(call);
}

int close(int fd)
{
    const auto call = [&] { return next<decltype(close)>("close")(fd); };
    if (!is_seen(fd)) {
        return call();
    }
    Told told(WireCall::Kind::other, "close", fd);
    const int result = told.around(call);
    told.call_.fd = -1; // it may be another thread's by now; the ports are known
    return result;
}

/// Puts another descriptor in a socket's place, which closes it: so does Java.
int dup2(int from, int to) noexcept
{
    const auto call = [&] { return next<decltype(dup2)>("dup2")(from, to); };
    if (from == to || !is_seen(to)) {
        return call();
    }
    Told told(WireCall::Kind::other, "dup2", to);
    const int result = told.around(call);
    told.call_.fd = -1;
    return result;
}

/// Node closes its sockets with it.
long syscall(long number, ...) noexcept
{
    va_list list;
    va_start(list, number);
    long a[6];
    for (long& argument : a) {
        argument = va_arg(list, long);
    }
    va_end(list);
    return number == SYS_close
               ? close(static_cast<int>(a[0]))
               : next<decltype(syscall)>("syscall")(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
}
