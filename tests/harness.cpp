#include "harness.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lab
{
namespace
{

[[noreturn]] void fail(const std::string& what)
{
    throw std::system_error(errno, std::generic_category(), "the test itself could not " + what);
}

int temporary_file()
{
    std::string path = "/tmp/lab-test-XXXXXX";
    const int fd = mkostemp(path.data(), O_CLOEXEC | O_APPEND);
    if (fd == -1) {
        fail("make a temporary file");
    }
    unlink(path.c_str());
    return fd;
}

std::string contents(int fd)
{
    std::string text;
    std::array<char, 65536> buffer;
    for (ssize_t n;
         (n = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(text.size()))) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
}

/// The value of an environment variable; empty without one.
std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool has_slot(const char* name) { return variable(name).find("{port}") != std::string::npos; }

/// A port on which nobody listens now.
int free_port()
{
    const Listener listener; // ends with this function
    return listener.port();
}

std::string fill_in(std::string text, const std::string& slot, const std::string& value)
{
    for (std::size_t at; (at = text.find(slot)) != std::string::npos;) {
        text.replace(at, slot.size(), value);
    }
    return text;
}

} // namespace

const Seconds patience{variable("PATIENCE").empty() ? 10 : std::stod(variable("PATIENCE"))};

bool eventually(const std::function<bool()>& condition, Seconds limit)
{
    const auto end = Clock::now() + limit;
    while (!condition()) {
        if (Clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

std::string quote(std::string_view bytes)
{
    std::ostringstream text;
    text << '"';
    for (const char byte : bytes.substr(0, 80)) {
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x20 || value == 0x7f) {
            text << "\\x"
                 << "0123456789abcdef"[value / 16] << "0123456789abcdef"[value % 16];
        } else {
            text << byte;
        }
    }
    text << (bytes.size() > 80 ? "...\"" : "\"") << " (" << bytes.size() << " bytes)";
    return text.str();
}

// ---- Program
// ----------------------------------------------------------------------------------------------

Program::Program(const std::string& command, const std::string& input)
    : command_(command), out_(temporary_file()), err_(temporary_file())
{
    const int in = temporary_file();
    if (write(in, input.data(), input.size()) != static_cast<ssize_t>(input.size())) {
        fail("write a program's input");
    }
    lseek(in, 0, SEEK_SET);
    const std::string line = "exec " + command;
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == -1) {
        fail("fork");
    }
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(127);
        }
        setpgid(0, 0);
        dup2(in, STDIN_FILENO);
        dup2(out_, STDOUT_FILENO);
        dup2(err_, STDERR_FILENO);
        setenv("PYTHONUNBUFFERED", "1", 1); // Python, too, has to show its lines at once
        execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
        _exit(127);
    }
    ::close(in);
}

Program::~Program()
{
    if (status_ == -1) {
        kill(-pid_, SIGKILL);
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    if (testing::Test::HasFailure()) {
        std::fprintf(stderr,
                     "  command:         %s\n  standard output: %s\n  standard error:  %s\n",
                     command_.c_str(), out().c_str(), err().c_str());
    }
    ::close(out_);
    ::close(err_);
}

std::string Program::out() const { return contents(out_); }
std::string Program::err() const { return contents(err_); }
void Program::signal(int number) const { kill(pid_, number); }

bool Program::prints(const std::string& text, Seconds limit) const
{
    return eventually([&] { return out().find(text) != std::string::npos; }, limit);
}

bool Program::reports(const std::string& text, Seconds limit) const
{
    return eventually([&] { return err().find(text) != std::string::npos; }, limit);
}

int Program::status(Seconds limit)
{
    eventually(
        [&] {
            int raw = 0;
            if (status_ == -1 && waitpid(pid_, &raw, WNOHANG) == pid_) {
                status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
            }
            return status_ != -1;
        },
        limit);
    return status_;
}

long Program::measure(const std::string& what) const
{
    const std::string directory = "/proc/" + std::to_string(pid_);
    if (what == "fds") {
        DIR* entries = opendir((directory + "/fd").c_str());
        if (entries == nullptr) {
            return -1;
        }
        long count = -2; // . and ..
        while (readdir(entries) != nullptr) {
            ++count;
        }
        closedir(entries);
        return count;
    }
    if (what == "ticks") {
        std::ifstream stat(directory + "/stat");
        std::string skipped;
        long user = 0;
        long system = 0;
        for (int field = 1; field < 14; ++field) {
            stat >> skipped;
        }
        stat >> user >> system;
        return user + system;
    }
    std::ifstream status(directory + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(what + ":")) {
            return std::stol(line.substr(what.size() + 1));
        }
    }
    return -1;
}

// ---- Peer
// -------------------------------------------------------------------------------------------------

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
            if (connect(fd, found->ai_addr, found->ai_addrlen) == 0) {
                return true;
            }
            ::close(std::exchange(fd, -1));
            return false;
        },
        limit);
    freeaddrinfo(found);
    if (!connected) {
        fail("connect to " + host + ":" + std::to_string(port) +
             ", where the server should be listening; is the port in network byte order (htons), "
             "the address "
             "right?");
    }
    return Peer(fd);
}

Peer::~Peer() { reset(); } // RST, so that no connection is left in TIME_WAIT on either side

Peer::Peer(Peer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), said_(std::move(other.said_)), ended_(other.ended_)
{
}

bool Peer::say(std::string_view bytes)
{
    said_ = quote(bytes);
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
        ::close(std::exchange(fd_, -1));
    }
}

std::string Peer::address() const
{
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    getsockname(fd_, address, &length);
    getnameinfo(address, length, host.data(), host.size(), port.data(), port.size(),
                NI_NUMERICHOST | NI_NUMERICSERV);
    const std::string name = host.data();
    return (storage.ss_family == AF_INET6 ? "[" + name + "]" : name) + ":" + port.data();
}

bool Peer::has_news(Seconds within) const
{
    pollfd readable{fd_, POLLIN, 0};
    return poll(&readable, 1, static_cast<int>(within.count() * 1000)) > 0;
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
        received.append(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return received;
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
    return came == text ? testing::AssertionSuccess() : tell(quote(text), quote(came), hint);
}

testing::AssertionResult Peer::sees_the_end(const std::string& hint)
{
    const std::string came = receive(65536);
    return came.empty() && ended_ ? testing::AssertionSuccess()
                                  : tell("the end of the connection", quote(came), hint);
}

// ---- Listener
// ---------------------------------------------------------------------------------------------

Listener::Listener(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_, generic, length) == -1 || listen(fd_, 16) == -1 ||
        getsockname(fd_, generic, &length) == -1) {
        fail("listen on port " + std::to_string(port));
    }
    port_ = ntohs(address.sin_port);
}

Listener::~Listener() { ::close(fd_); }

Peer Listener::accept(Seconds limit) const
{
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(limit.count() * 1000)) <= 0) {
        errno = ETIMEDOUT;
        fail("accept a connection: the client did not connect to 127.0.0.1:" +
             std::to_string(port_));
    }
    return Peer(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

// ---- The programs under test
// ------------------------------------------------------------------------------

std::string own(const std::string& program)
{
    return (variable("LAB_BIN").empty() ? "." : variable("LAB_BIN")) + "/" + program;
}

bool is_foreign(const char* name) { return !variable(name).empty(); }

Server::Server(const std::string& delay, const std::string& options, const std::string& prefix)
    : Server(is_foreign("SERVER") && has_slot("SERVER") ? free_port() : 9999,
             is_foreign("SERVER")
                 ? fill_in(variable("SERVER"), "{delay}", delay)
                 : prefix + own("server") + " --port 0 --delay " + delay + " " + options)
{
}

Server::Server(int port, const std::string& command)
    : Program(fill_in(command, "{port}", std::to_string(port))), port_(port)
{
    const auto waits = [&] {
        return out().find("Waiting for connection...\n") != std::string::npos;
    };
    if (!eventually([&] { return waits() || status(Seconds(0)) != -1; }) || !waits()) {
        throw std::runtime_error(
            "The server did not print \"Waiting for connection...\".\n  look at:   step 3 of "
            "the notebook, print('Waiting for connection...') after listen; is the line flushed?"
            "\n  it said:   " +
            out() + err());
    }
    const std::string said = err(); // the lab's own server says here which port the system chose
    if (const std::size_t end = said.find(". Ctrl-C stops");
        !is_foreign("SERVER") && end != std::string::npos) {
        port_ = std::stoi(said.substr(said.rfind(':', end) + 1));
    }
}

int client_port() { return is_foreign("CLIENT") && !has_slot("CLIENT") ? 9999 : 0; }

std::string client_command(int port)
{
    return is_foreign("CLIENT") ? fill_in(variable("CLIENT"), "{port}", std::to_string(port))
                                : own("client") + " --port " + std::to_string(port);
}

} // namespace lab
