// common.hpp: what `import socket` is to the notebook.
//
// Socket owns one descriptor and has a method for each system call, under the call's own name. Below it stand
// the few helpers that the programs share: addresses, options, and text made fit for a screen.
#pragma once

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <clocale>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <cwctype>
#include <exception>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <getopt.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

using Seconds = std::chrono::duration<double>;

/// Throws what the system says in `errno`, as a sentence that begins with `attempt`: "bind 127.0.0.1:9999".
[[noreturn]] inline void throw_errno(const std::string& attempt)
{
    throw std::system_error(errno, std::generic_category(), attempt);
}

// ---- Addresses --------------------------------------------------------------------------------------------

/// Where a socket is found: the notebook's tuple ('127.0.0.1', 9999), for IPv4 and IPv6 alike.
struct Address {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage); ///< in bytes, as the system calls want it

    int family() const { return storage.ss_family; } ///< AF_INET or AF_INET6
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

    bool operator==(const Address& other) const
    {
        return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
    }

    /// "127.0.0.1:9999" or "[::1]:9999", in numbers, so that nothing is looked up. getnameinfo(3)
    std::string str() const
    {
        char host[NI_MAXHOST] = "?";
        char port[NI_MAXSERV] = "?";
        ::getnameinfo(get(), length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        return (family() == AF_INET6 ? "[" + std::string(host) + "]" : host) + ":" + port;
    }
};

/// All addresses of `host`, a number or a name, for one port. IPv4 stands first, as it does in the notebook.
/// Throws std::runtime_error if there is none. getaddrinfo(3)
inline std::vector<Address> resolve(const std::string& host, int port, int type = SOCK_STREAM)
{
    addrinfo hints{};
    hints.ai_socktype = type;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) {
        throw std::runtime_error("getaddrinfo " + host + ": " +
                                 (error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error)) +
                                 ". Is the name spelt right? A number, such as 127.0.0.1, needs no look-up.");
    }
    std::vector<Address> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        Address& address = addresses.emplace_back();
        std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                    reinterpret_cast<char*>(&address.storage));
        address.length = entry->ai_addrlen;
    }
    ::freeaddrinfo(found);
    std::stable_partition(addresses.begin(), addresses.end(), [](auto& a) { return a.family() == AF_INET; });
    return addresses;
}

/// What recvfrom returns. An empty datagram is one, too.
struct Datagram {
    std::string data;
    Address from;
    bool is_cut = false; ///< it was longer than 1024 bytes, and the rest is lost
};

// ---- The socket -------------------------------------------------------------------------------------------

/// One socket. The object owns the descriptor: it is closed when the object ends, and moves but never copies.
/// Every method is a system call; what fails throws std::system_error with the call and the address in it.
/// A call that a signal interrupts (EINTR) is taken up again.
class Socket
{
  public:
    /// A new socket: Socket(AF_INET, SOCK_STREAM) is TCP over IPv4. socket(2)
    Socket(int family, int type) : fd_(::socket(family, type, 0))
    {
        if (fd_ == -1) {
            throw_errno("socket");
        }
    }
    ~Socket() { close(); }
    Socket(Socket&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), timeout_ms_(other.timeout_ms_), name_(std::move(other.name_))
    {
    }
    Socket& operator=(Socket&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        std::swap(timeout_ms_, other.timeout_ms_);
        std::swap(name_, other.name_);
        return *this;
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    /// Sets an option that is a whole number: setsockopt(SOL_SOCKET, SO_REUSEADDR, 1). setsockopt(2)
    void setsockopt(int level, int option, int value) const
    {
        check(::setsockopt(fd_, level, option, &value, sizeof value), "setsockopt");
    }

    /// How long connect, recv and send wait before they throw ETIMEDOUT; zero, the default, is for ever.
    /// Python's settimeout; SO_RCVTIMEO and SO_SNDTIMEO in socket(7)
    void settimeout(Seconds limit)
    {
        const long microseconds = static_cast<long>(std::ceil(limit.count() * 1e6));
        const timeval value{microseconds / 1'000'000, microseconds % 1'000'000};
        check(::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value), "setsockopt SO_RCVTIMEO");
        check(::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value), "setsockopt SO_SNDTIMEO");
        timeout_ms_ = limit > Seconds(0) ? static_cast<int>(std::ceil(limit.count() * 1e3)) : -1;
    }

    /// Gives the socket its own address, where clients find it. bind(2)
    void bind(const Address& address)
    {
        name_ = address.str();
        check(::bind(fd_, address.get(), address.length), "bind");
        name_ = getsockname().str(); // with the port that the system chose, if it was 0
    }

    /// Makes the socket passive: from now on the kernel completes handshakes and keeps up to about `backlog`
    /// connections ready for accept. listen(2)
    void listen(int backlog) const { check(::listen(fd_, backlog), "listen"); }

    /// Waits for a client: a new socket for this client alone, and its address, "127.0.0.1:51234". accept(2)
    std::pair<Socket, std::string> accept() const
    {
        for (;;) {
            Address peer;
            const int fd = ::accept(fd_, peer.get(), &peer.length);
            if (fd != -1) {
                Socket client(fd);
                std::string address = client.name_ = peer.str();
                return {std::move(client), std::move(address)};
            }
            if (errno != EINTR && errno != ECONNABORTED &&
                errno != EPROTO) { // a client that left is no error
                throw_errno("accept " + name_);
            }
        }
    }

    /// Connects to a server; the kernel picks a free port for this end. connect(2)
    void connect(const Address& address)
    {
        name_ = address.str();
        if (::connect(fd_, address.get(), address.length) == -1) {
            if (errno == EINTR) {
                finish_connect();
            } else {
                errno = errno == EINPROGRESS ? ETIMEDOUT : errno; // Linux's word for SO_SNDTIMEO here
                throw_errno("connect " + name_);
            }
        }
    }

    /// Sends all of `data`: send(2) may take only a part of it, so it is called until nothing is left.
    /// A peer that has gone is an error (EPIPE, ECONNRESET), not a SIGPIPE. Python's sendall
    void send(std::string_view data) const
    {
        while (!data.empty()) {
            const ssize_t sent = retry([&] { return ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL); });
            check(sent, "send");
            data.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    /// Waits for bytes and returns those that are there: at least one, at most `size` and never over 1024.
    /// None at all means that the peer has closed. recv(2)
    std::string recv(std::size_t size) const
    {
        char buffer[1024];
        const std::size_t most = std::min(size, sizeof buffer);
        const ssize_t received = retry([&] { return ::recv(fd_, buffer, most, 0); });
        check(received, "recv");
        return {buffer, static_cast<std::size_t>(received)};
    }

    /// Sends one datagram, whole or not at all. sendto(2)
    void sendto(std::string_view data, const Address& to) const
    {
        const auto call = [&] {
            return ::sendto(fd_, data.data(), data.size(), MSG_NOSIGNAL, to.get(), to.length);
        };
        if (retry(call) == -1) {
            throw_errno("sendto " + to.str());
        }
    }

    /// Waits for one datagram, of which at most 1024 bytes are kept. recvfrom(2)
    Datagram recvfrom() const
    {
        char buffer[1024 + 1]; // a byte more than is kept: if it is used, the datagram was longer
        Datagram datagram;
        socklen_t& length = datagram.from.length;
        const ssize_t received =
            retry([&] { return ::recvfrom(fd_, buffer, sizeof buffer, 0, datagram.from.get(), &length); });
        check(received, "recvfrom");
        datagram.is_cut = received == sizeof buffer;
        datagram.data.assign(buffer, static_cast<std::size_t>(received) - (datagram.is_cut ? 1 : 0));
        return datagram;
    }

    /// Ends one direction, or both, at once for every thread that waits on it: SHUT_RD, SHUT_WR, SHUT_RDWR.
    /// That the peer has gone already (ENOTCONN) is no error. shutdown(2)
    void shutdown(int how) const
    {
        if (::shutdown(fd_, how) == -1 && errno != ENOTCONN) {
            throw_errno("shutdown " + name_);
        }
    }

    /// Closes the socket; a second time does nothing. close(2)
    void close()
    {
        if (fd_ != -1) {
            ::close(std::exchange(fd_, -1));
        }
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

    /// The bare descriptor, for calls that this class does not have; -1 after close. Python's fileno
    int fileno() const { return fd_; }

  private:
    explicit Socket(int fd) noexcept : fd_(fd) {}

    void check(ssize_t result, const char* call) const
    {
        if (result == -1) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) { // the socket blocks, so only its timeout says this
                errno = ETIMEDOUT;
            }
            throw_errno(name_.empty() ? call : call + (" " + name_));
        }
    }

    template<class Call> static ssize_t retry(Call call)
    {
        ssize_t result = call();
        while (result == -1 && errno == EINTR) {
            result = call();
        }
        return result;
    }

    /// An interrupted connect goes on in the kernel: this waits for its end and asks how it went.
    void finish_connect() const
    {
        pollfd writable{fd_, POLLOUT, 0};
        const ssize_t ready = retry([&] { return ::poll(&writable, 1, timeout_ms_); });
        int error = ETIMEDOUT;
        socklen_t length = sizeof error;
        if (ready > 0) {
            check(::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
        }
        if (error != 0) {
            errno = error;
            throw_errno("connect " + name_);
        }
    }

    int fd_;
    int timeout_ms_ = -1;
    std::string name_;
};

/// Calls `open` with one address after another and returns the first socket that it brings about. If none
/// does, throws what the first address met with.
inline Socket first_that_works(const std::vector<Address>& addresses,
                               const std::function<Socket(const Address&)>& open)
{
    std::exception_ptr first;
    for (const Address& address : addresses) {
        try {
            return open(address);
        } catch (const std::system_error&) {
            first = first ? first : std::current_exception();
        }
    }
    std::rethrow_exception(first);
}

// ---- The command line and the screen ----------------------------------------------------------------------

/// A command line that makes no sense; its sentence names the option and the value. Ends in exit status 2.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What was given to an option. Each method returns it as what is meant, or throws UsageError.
struct Value {
    std::string option; ///< with its dashes: "--port"
    std::string given;

    std::string text() const { return given.empty() ? fail("a text that is not empty") : given; }

    /// A whole number in decimal digits.
    int number(int least, int most) const
    {
        int value = -1;
        const char* end = given.data() + given.size();
        const auto [stop, error] = std::from_chars(given.data(), end, value);
        if (given.starts_with('-') || error != std::errc() || stop != end || value < least || value > most) {
            fail("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
        }
        return value;
    }
    int port(int least = 0) const { return number(least, 65535); }

    /// Seconds, with or without decimals: "1", "0.25", ".5"; a million, which is eleven days, at most.
    Seconds seconds() const
    {
        const bool decimal = given.find_first_not_of("0123456789.") == std::string::npos &&
                             given.find_first_of("0123456789") != std::string::npos &&
                             std::count(given.begin(), given.end(), '.') <= 1;
        const Seconds value(decimal ? std::strtod(given.c_str(), nullptr) : -1);
        if (value < Seconds(0) || value > Seconds(1e6)) {
            fail("a decimal number of seconds from 0 to 1000000");
        }
        return value;
    }

  private:
    [[noreturn]] std::string fail(const std::string& needed) const
    {
        throw UsageError(option + " '" + given + "' does not do: it needs " + needed + ".");
    }
};

/// An option of the command line, --name VALUE, and what is done with its value.
struct Option {
    const char* name; ///< without the dashes
    std::function<void(const Value&)> take;
};

/// Reads the command line and returns what stands there beside the options. --help prints `usage` and ends
/// the program with status 0; what is wrong ends it with a sentence and status 2. getopt_long(3)
inline std::vector<std::string> parse_options(int argc, char* argv[], const char* usage,
                                              const std::vector<Option>& options)
{
    std::vector<option> table;
    table.reserve(options.size() + 2);
    for (const Option& each : options) {
        table.push_back({each.name, required_argument, nullptr, 0});
    }
    table.push_back({"help", no_argument, nullptr, 'h'});
    table.push_back({nullptr, 0, nullptr, 0});

    int index = 0;
    for (int found = 0; (found = ::getopt_long(argc, argv, "", table.data(), &index)) != -1;) {
        if (found == '?') { // getopt_long has said what is wrong
            std::exit(2);
        }
        if (found == 'h') {
            std::cout << usage;
            std::exit(0);
        }
        const Option& option = options[static_cast<std::size_t>(index)];
        option.take(Value{std::string("--") + option.name, optarg});
    }
    return {argv + optind, argv + argc};
}

/// Throws UsageError if anything stands on the command line that is no option.
inline void no_operands(const std::vector<std::string>& operands)
{
    if (!operands.empty()) {
        throw UsageError("'" + operands.front() +
                         "' is no option, and nothing else is expected. See --help.");
    }
}

/// From now on Ctrl-C, or kill, ends the program at once with exit status 0: for servers that have nothing to
/// put in order, as the kernel closes their sockets. signal(2)
inline void end_on_ctrl_c()
{
    for (const int number : {SIGINT, SIGTERM}) {
        std::signal(number, [](int) { ::_exit(0); });
    }
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe behind standard output is no reason to stop serving
}

/// `text` as it may be shown on a terminal: control characters, and bytes that are not UTF-8, appear as \n,
/// \t, or \x1b. A server could otherwise move the cursor, or worse, on its client's screen. mbrtowc(3)
inline std::string visible(std::string_view text)
{
    static const char* const utf8 = std::setlocale(LC_CTYPE, "C.UTF-8"); // without it, only ASCII is passed
    (void)utf8;
    std::string shown;
    while (!text.empty()) {
        wchar_t character = 0;
        std::mbstate_t state{};
        std::size_t length = std::mbrtowc(&character, text.data(), text.size(), &state);
        const bool valid = length != 0 && length <= text.size();
        length = valid ? length : 1;
        if (valid && std::iswcntrl(static_cast<wint_t>(character)) == 0) {
            shown += text.substr(0, length);
        } else if (text[0] == '\n' || text[0] == '\t' || text[0] == '\r') {
            shown += text[0] == '\n' ? "\\n" : text[0] == '\t' ? "\\t" : "\\r";
        } else {
            for (const char byte : text.substr(0, length)) {
                constexpr char digits[] = "0123456789abcdef";
                const auto value = static_cast<unsigned char>(byte);
                shown += {'\\', 'x', digits[value / 16], digits[value % 16]};
            }
        }
        text.remove_prefix(length);
    }
    return shown;
}

/// Prints a line on standard output, at once. Throws std::system_error if it is not taken: a full disk.
inline void print_line(const std::string& line)
{
    std::cout << line << std::endl;
    if (!std::cout) {
        throw_errno("standard output");
    }
}

/// Where an error has a usual cause: the way out, as a sentence to put behind it.
inline const char* way_out(const std::exception& error)
{
    const auto* failed = dynamic_cast<const std::system_error*>(&error);
    switch (failed != nullptr ? failed->code().value() : 0) {
    case EADDRINUSE:
        return ". Is another server running? Try --port 0.";
    case EADDRNOTAVAIL:
        return ". This machine does not have that address. Try --host 127.0.0.1.";
    case EACCES:
        return ". Ports under 1024 may need privileges. Try --port 9999.";
    case ECONNREFUSED:
        return ". Is the server running? Start it in another terminal, and check its address and port.";
    case ETIMEDOUT:
        return ". Is it the right server? --timeout says how many seconds to wait.";
    default:
        return failed != nullptr ? "." : "";
    }
}

/// Says on standard error what went wrong, in a sentence. Returns the exit status: 2 for a wrong command
/// line, 1 for what failed while running.
inline int report(const std::exception& error)
{
    std::cerr << std::string(error.what()) + way_out(error) + "\n";
    return dynamic_cast<const UsageError*>(&error) != nullptr ? 2 : 1;
}
