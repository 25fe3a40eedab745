// socket.hpp: Python's socket. Addresses, and Socket, with a method for each system call.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <string>
#include <system_error>
#include <vector>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

using Seconds = std::chrono::duration<double>;

/// Throws std::system_error with what `errno` says: "bind 127.0.0.1:9999: Address already in use".
[[noreturn]] inline void throw_errno(const std::string& attempt)
{
    throw std::system_error(errno, std::generic_category(), attempt);
}

/// The address of a socket: the notebook's tuple ('127.0.0.1', 9999), for IPv4 and IPv6 alike.
struct Address {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage); ///< in bytes, as the system calls want it

    int family() const { return storage.ss_family; } ///< AF_INET or AF_INET6
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

    /// "127.0.0.1:9999" or "[::1]:9999". getnameinfo(3)
    std::string str() const
    {
        char host[NI_MAXHOST] = "?";
        char port[NI_MAXSERV] = "?";
        ::getnameinfo(get(), length, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
        return (family() == AF_INET6 ? "[" + std::string(host) + "]" : host) + ":" + port;
    }
};

/// All addresses of `host`, a number or a name; IPv4, which the notebook uses, comes first.
/// Throws std::runtime_error if there is none. getaddrinfo(3)
inline std::vector<Address> resolve(const std::string& host, int port, int type = SOCK_STREAM)
{
    addrinfo hints{};
    hints.ai_socktype = type;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) {
        const char* why = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
        throw std::runtime_error("getaddrinfo " + host + ": " + why +
                                 ". Check the name, or use a number such as 127.0.0.1.");
    }
    std::vector<Address> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        Address& address = addresses.emplace_back();
        std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
        address.length = entry->ai_addrlen;
    }
    ::freeaddrinfo(found);
    std::stable_partition(addresses.begin(), addresses.end(),
                          [](const Address& address) { return address.family() == AF_INET; });
    return addresses;
}

/// Owns one socket, and closes it in the end. A method that fails throws std::system_error with the
/// call and the address; a call that a signal interrupts is made again.
class Socket
{
  public:
    /// A new socket: Socket(AF_INET, SOCK_STREAM) is TCP over IPv4. socket(2)
    Socket(int family, int type) : fd_(::socket(family, type, 0)) { check(fd_, "socket"); }

    /// Gives the socket its own address, where clients find it. bind(2)
    void bind(const Address& address)
    {
        name_ = address.str();
        check(::bind(fd_, address.get(), address.length), "bind");
        name_ = getsockname().str(); // with the port that the system chose, if it was 0
    }

    /// Makes the socket passive: from now on the kernel completes handshakes, and keeps up to about
    /// `backlog` connections ready for accept. listen(2)
    void listen(int backlog) const { check(::listen(fd_, backlog), "listen"); }

    /// Waits for a client: returns a new socket for this client alone, and its address. accept(2)
    std::pair<Socket, std::string> accept() const
    {
        Address peer;
        Socket client;
        do {
            client.fd_ = ::accept(fd_, peer.get(), &peer.length);
        } while (client.fd_ == -1 && (errno == EINTR || errno == ECONNABORTED)); // it has left
        check(client.fd_, "accept");
        client.name_ = peer.str();
        return {std::move(client), peer.str()};
    }

    /// Connects to a server; the kernel picks a free port for this end. connect(2)
    void connect(const Address& address)
    {
        name_ = address.str();
        const int result = ::connect(fd_, address.get(), address.length);
        check(result == -1 && errno == EINTR ? finish_connecting() : result, "connect");
    }

    /// Connects to the first of these addresses that answers, as Python does for a name, and with a
    /// new socket each time; if none does, throws what the first one met.
    void connect(const std::vector<Address>& addresses)
    {
        std::exception_ptr first_error;
        for (const Address& address : addresses) {
            try {
                if (first_error) {
                    Socket next(address.family(), SOCK_STREAM);
                    next.settimeout(timeout_);
                    *this = std::move(next);
                }
                return connect(address);
            } catch (const std::system_error&) {
                first_error = first_error ? first_error : std::current_exception();
            }
        }
        std::rethrow_exception(first_error);
    }

    /// Sends all of `data`, in as many calls as it takes. If the peer has gone, that is an error
    /// (EPIPE, ECONNRESET), not a SIGPIPE. Python's sendall; send(2)
    void send(std::string_view data) const
    {
        while (!data.empty()) {
            const ssize_t sent =
                retry([&] { return ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL); });
            check(sent, "send");
            data.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    /// Waits for bytes and returns those that are there: at least one, at most `size` and never
    /// over 1024. None at all means that the peer has closed. recv(2)
    std::string recv(std::size_t size) const
    {
        char buffer[1024];
        const std::size_t most = std::min(size, sizeof buffer);
        const ssize_t received = retry([&] { return ::recv(fd_, buffer, most, 0); });
        check(received, "recv");
        return {buffer, static_cast<std::size_t>(received)};
    }

    /// Closes the socket; a second time does nothing. close(2)
    void close()
    {
        if (fd_ != -1) {
            ::close(fd_);
            fd_ = -1;
        }
    }

    /// Sets an option that is a whole number. setsockopt(2), socket(7), tcp(7)
    void setsockopt(int level, int option, int value) const
    {
        check(::setsockopt(fd_, level, option, &value, sizeof value), "setsockopt");
    }

    /// How long connect, recv and send wait before they throw ETIMEDOUT, counted anew after a
    /// signal; 0, the default, means forever. SO_RCVTIMEO and SO_SNDTIMEO in socket(7)
    void settimeout(Seconds limit)
    {
        const auto microseconds = static_cast<long>(std::ceil(limit.count() * 1e6));
        const timeval value{microseconds / 1'000'000, microseconds % 1'000'000};
        check(::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value), "setsockopt");
        check(::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value), "setsockopt");
        timeout_ = limit;
    }

    /// The address of this end, with the port that the system chose. getsockname(2)
    Address getsockname() const
    {
        Address address;
        check(::getsockname(fd_, address.get(), &address.length), "getsockname");
        return address;
    }

    /// The address that errors speak of: the peer's, or a listener's own.
    const std::string& name() const { return name_; }
    /// The bare descriptor, for calls that this class does not have; -1 after close.
    int fileno() const { return fd_; }

    /// Throws the error of a system call on this socket if its `result` is -1.
    void check(ssize_t result, const char* call) const
    {
        if (result == -1) { // what Linux says on a blocking socket after its time-out
            errno = errno == EAGAIN || errno == EINPROGRESS ? ETIMEDOUT : errno;
            throw_errno(name_.empty() ? call : call + (" " + name_));
        }
    }

    /// Makes a system call, and makes it again for as long as signals interrupt it.
    template<class Call> static ssize_t retry(Call call)
    {
        ssize_t result = call();
        while (result == -1 && errno == EINTR) {
            result = call();
        }
        return result;
    }

    // One object owns the descriptor: what is moved from has none.
    ~Socket() { close(); }
    Socket(Socket&& other) noexcept { *this = std::move(other); }
    Socket& operator=(Socket&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        std::swap(timeout_, other.timeout_);
        std::swap(name_, other.name_);
        return *this;
    }

  private:
    Socket() = default;

    /// A signal has interrupted connect, and the kernel goes on connecting: waits for it, and asks
    /// how it went. Returns what connect would have. connect(2), under EINTR
    int finish_connecting() const
    {
        pollfd writable{fd_, POLLOUT, 0};
        const int limit =
            timeout_ > Seconds(0) ? static_cast<int>(std::ceil(timeout_.count() * 1e3)) : -1;
        int error = ETIMEDOUT;
        socklen_t length = sizeof error;
        if (retry([&] { return ::poll(&writable, 1, limit); }) > 0) {
            check(::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
        }
        errno = error;
        return error == 0 ? 0 : -1;
    }

    int fd_ = -1;
    Seconds timeout_{0};
    std::string name_;
};
