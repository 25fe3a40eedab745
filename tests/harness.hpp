// harness.hpp: what the tests stand on. Programs are started as a person would start them and
// talked to over real sockets; nothing in here uses common.hpp, so that a mistake in it cannot hide
// itself.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <netinet/in.h>
#include <sys/types.h>

namespace lab
{

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// Long enough for anything that is going to happen at all, on a machine that is busy: 10 seconds,
/// or what the environment variable PATIENCE says.
extern const Seconds patience;

/// Asks `condition` again and again until it holds (true) or `limit` has passed (false).
bool eventually(const std::function<bool()>& condition, Seconds limit = patience);

/// Bytes as they stand in a message: in quotes, control characters as \x00, long ones cut, with
/// their number.
std::string quote(std::string_view bytes);

/// A program that runs for a test. Its output goes to files, so it never waits for the test to read
/// it. The object's end is the program's: nothing is left behind, not even if the test itself is
/// killed.
class Program
{
  public:
    /// Starts `command` through the shell, as one would type it. `input` is what it reads on
    /// standard input.
    explicit Program(const std::string& command, const std::string& input = "");
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    std::string out() const; ///< all of standard output so far
    std::string err() const; ///< all of standard error so far
    pid_t pid() const { return pid_; }
    void signal(int number) const;

    /// True once standard output (or standard error) contains `text`.
    bool prints(const std::string& text, Seconds limit = patience) const;
    bool reports(const std::string& text, Seconds limit = patience) const;

    /// Waits for its end: the exit status, 128 + N if signal N killed it, -1 if it still runs after
    /// `limit`.
    int status(Seconds limit = patience);

    /// Reads a number from /proc: "VmRSS" or "Threads" of status, in its unit; "fds" open; "ticks"
    /// of CPU time.
    long measure(const std::string& what) const;

  private:
    std::string command_;
    pid_t pid_ = -1;
    int out_ = -1;
    int err_ = -1;
    int status_ = -1;
};

/// The test's end of a connection. It remembers what was said, so that a failure can tell the whole
/// story.
class Peer
{
  public:
    explicit Peer(int descriptor) : fd_(descriptor) {}
    /// Connects to a server here; tries again while none listens yet. Throws std::system_error
    /// after `limit`.
    static Peer to(int port, const std::string& host = "127.0.0.1", Seconds limit = patience);
    ~Peer();
    Peer(Peer&& other) noexcept;
    Peer(const Peer&) = delete;

    bool say(std::string_view bytes); ///< sends all of it; false if the connection is gone
    void half_close() const; ///< no more from this side: the other one's recv returns nothing
    void reset();            ///< ends the connection the hard way, with RST
    void close();
    int fd() const { return fd_; }
    std::string address() const; ///< of this end, as the server prints it

    /// All that comes until `count` bytes are there, the other side closes, or `limit` passes.
    std::string receive(std::size_t count, Seconds limit = patience);
    /// True if something, be it the end, can be received at once.
    bool has_news(Seconds within = Seconds(0)) const;

    /// Success if exactly `text` comes next. If not, the failure says what was sent, what was
    /// expected, what came, and where in the notebook to look.
    testing::AssertionResult hears(const std::string& text, const std::string& hint);
    /// Success if the other side closes and sends nothing before that.
    testing::AssertionResult sees_the_end(const std::string& hint);

  private:
    testing::AssertionResult tell(const std::string& due, const std::string& came,
                                  const std::string& hint) const;

    int fd_ = -1;
    std::string said_ = "nothing";
    bool ended_ = false;
};

/// A listening socket of the test's own, for a client to connect to.
class Listener
{
  public:
    explicit Listener(int port = 0);
    ~Listener();
    Listener(const Listener&) = delete;
    int port() const { return port_; }
    Peer accept(Seconds limit = patience) const;

  private:
    int fd_ = -1;
    int port_ = 0;
};

/// The command for a program of the lab, "./server" or where the build put it.
std::string own(const std::string& program);
/// True if the environment variable (SERVER or CLIENT) points the suite at a program that is not
/// the lab's.
bool is_foreign(const char* name);

/// A greeting server that listens: the lab's own, or the one that the variable SERVER names. In
/// that command {port} and {delay} are filled in; without them it serves on 9999 and takes a
/// second, as the notebook's does.
class Server : public Program
{
  public:
    /// `delay` in seconds; `options` are for the lab's own server only.
    /// `prefix` stands before it: "nice " would make it yield to others.
    explicit Server(const std::string& delay = "0", const std::string& options = "",
                    const std::string& prefix = "");
    int port() const { return port_; }
    Peer client() const { return Peer::to(port_); }

  private:
    Server(int port, const std::string& command);
    int port_;
};

/// Runs a greeting client against a port of 127.0.0.1: the lab's own, or the one that CLIENT names,
/// in whose command {port} is filled in; without {port} it connects to 9999.
std::string client_command(int port);
/// The port on which the test has to listen for that client: 0, any, unless it can only connect to
/// 9999.
int client_port();

} // namespace lab
