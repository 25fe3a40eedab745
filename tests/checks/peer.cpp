#include "peer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace lab
{

/// How long connect and send wait at the most; 0 is without a limit. socket(7), SO_SNDTIMEO
static void set_timeout(int fd, Seconds time)
{
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    const timeval limit{static_cast<time_t>(microseconds / 1'000'000),
                        static_cast<suseconds_t>(microseconds % 1'000'000)};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

Peer Peer::to(int port, const std::string& host, Seconds limit)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
        fail("use the address " + host);
    }
    int fd = -1;
    const bool connected = eventually(
        [&] {
            fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
            set_timeout(fd, limit); // where the backlog has no room, connect takes two minutes
            if (connect(fd, found->ai_addr, found->ai_addrlen) == 0) {
                set_timeout(fd, Seconds(0));
                return true;
            }
            ::close(std::exchange(fd, -1));
            return false;
        },
        limit);
    freeaddrinfo(found);
    if (!connected) {
        fail(fill("connect to {host}:{port}, where the server should be listening; is the port in "
                  "network byte order (htons), the address right?",
                  {{"host", host}, {"port", std::to_string(port)}})
                 .english());
    }
    return Peer(fd);
}

Peer::~Peer() { reset(); } // RST, so that no connection is left in TIME_WAIT on either side

/// The address of this end of a connection.
static std::string address_of(int fd)
{
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    getsockname(fd, address, &length);
    getnameinfo(address, length, host.data(), host.size(), port.data(), port.size(),
                NI_NUMERICHOST | NI_NUMERICSERV);
    const std::string name = host.data();
    return (storage.ss_family == AF_INET6 ? "[" + name + "]" : name) + ":" + port.data();
}

std::string Peer::address() const { return fd_ == -1 ? address_ : address_of(fd_); }

Peer::Peer(Peer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)),
      said_(std::move(other.said_)), sent_(std::move(other.sent_)), ended_(other.ended_),
      was_reset_(other.was_reset_)
{
}

bool Peer::say(std::string_view bytes)
{
    said_ = quote(bytes).english();
    sent_.emplace_back(bytes);
    while (!bytes.empty()) {
        const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n == -1 && errno != EINTR) {
            return false;
        }
        bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return true;
}

void Peer::half_close() const { shutdown(fd_, SHUT_WR); }

void Peer::reset()
{
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
}

void Peer::close()
{
    if (fd_ != -1) {
        address_ = address_of(fd_);
        ::close(std::exchange(fd_, -1));
    }
}

bool Peer::has_news(Seconds within) const
{
    pollfd readable{fd_, POLLIN, 0};
    return poll(&readable, 1, static_cast<int>(std::max(within.count(), 0.0) * 1000)) > 0;
}

std::string Peer::receive(std::size_t count, Seconds limit)
{
    std::string received;
    std::array<char, 65536> buffer;
    const auto end = Clock::now() + limit;
    while (received.size() < count && !ended_ &&
           has_news(std::max(Seconds(end - Clock::now()), Seconds(0)))) {
        const ssize_t n =
            recv(fd_, buffer.data(), std::min(buffer.size(), count - received.size()), 0);
        ended_ = n <= 0;
        was_reset_ = n == -1;
        received.append(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return received;
}

long Peer::segments() const
{
    tcp_info info{};
    socklen_t length = sizeof info;
    const bool known = getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
                       length > offsetof(tcp_info, tcpi_data_segs_in);
    return known ? static_cast<long>(info.tcpi_data_segs_in) : -1;
}

testing::AssertionResult Peer::tell(const std::string& due, const std::string& came,
                                    const std::string& hint) const
{
    return testing::AssertionFailure()
           << "\n  sent:      " << said_ << "\n  was expected:   " << due
           << "\n  received:  " << came << (ended_ ? ", and then the connection ended" : "")
           << "\n  look at:   " << hint << "\n";
}

testing::AssertionResult Peer::hears(const std::string& text, const std::string& hint)
{
    std::string came = receive(text.size());
    while (has_news() && !ended_) { // too much is as wrong as too little
        const std::string more = receive(65536, Seconds(0));
        came += more;
    }
    return came == text ? testing::AssertionSuccess()
                        : tell(quote(text).english(), quote(came).english(), hint);
}

testing::AssertionResult Peer::sees_the_end(const std::string& hint)
{
    const std::string came = receive(65536);
    return came.empty() && ended_ ? testing::AssertionSuccess()
                                  : tell("the end of the connection", quote(came).english(), hint);
}

std::string hear(Program& program, Peer& peer, std::size_t count, Seconds silence)
{
    std::string received;
    program.until(
        [&] {
            received += peer.receive_now();
            return received.size() >= count || peer.ended();
        },
        silence);
    return received;
}

Listener::Listener(int port, const std::string& host)
    : fd_(socket(host == "::1" ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    auto* four = reinterpret_cast<sockaddr_in*>(&address);
    auto* six = reinterpret_cast<sockaddr_in6*>(&address);
    if (host == "::1") {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(static_cast<std::uint16_t>(port));
        six->sin6_addr = in6addr_loopback;
    } else {
        four->sin_family = AF_INET;
        four->sin_port = htons(static_cast<std::uint16_t>(port));
        four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    if (bind(fd_, generic, length) == -1 || listen(fd_, 16) == -1 ||
        getsockname(fd_, generic, &length) == -1) {
        const int error = errno;
        ::close(fd_);
        errno = error;
        fail("listen on port " + std::to_string(port));
    }
    port_ = ntohs(host == "::1" ? six->sin6_port : four->sin_port);
}

bool Listener::has_client() const
{
    pollfd readable{fd_, POLLIN, 0};
    return poll(&readable, 1, 0) > 0;
}

Listener::~Listener() { close(); }

void Listener::close()
{
    if (fd_ != -1) {
        ::close(std::exchange(fd_, -1));
    }
}

Peer Listener::accept(Seconds limit) const
{
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(limit.count() * 1000)) <= 0) {
        errno = ETIMEDOUT;
        fail(fill("accept a connection: the client did not connect to 127.0.0.1:{port}",
                  {{"port", std::to_string(port_)}})
                 .english());
    }
    return Peer(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

} // namespace lab
