// harness.hpp: what the tests stand on. Programs are started as a person would start them and
// talked to over real sockets; nothing in here uses common.hpp, so that a mistake in it cannot hide
// itself.
#pragma once

#include "peer.hpp"
#include "tests/watch/departure.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <netinet/in.h>
#include <sys/types.h>

namespace lab
{

/// The command for a program of the lab, "./server" or where the build put it.
std::string own(const std::string& program);
/// True if the environment variable (SERVER or CLIENT) points the suite at a program that is not
/// the lab's.
bool is_foreign(const char* name);
/// True if the command in this variable has a place for the port: {port}.
bool takes_port(const char* name);

/// A greeting server that listens: the lab's own, or the one that the variable SERVER names. In
/// that command {port} and {delay} are filled in; without them it serves on 9999 and takes a
/// second, as the notebook's does.
class Server : public Program
{
  public:
    /// `delay` in seconds; `options` are for the lab's own server only.
    /// `prefix` stands before it: "nice " would make it yield to others. `more` is for any server.
    explicit Server(const std::string& delay = "0", const std::string& options = "",
                    const std::string& prefix = "", Output output = Output::file,
                    const std::string& more = "");
    int port() const { return port_; }
    double delay() const { return delay_; } ///< seconds that it waits before each answer
    Peer client() const { return Peer::to(port_); }
    /// True if it waits for clients on its port; waits until then, as long as that makes sense.
    bool listens();

  private:
    Server(int port, double delay, const std::string& command, Output output);
    int port_;
    double delay_;
};

/// The port of this end.
int port_of(const Peer& peer);

/// Where the server's calls leave the story, of the conversation with this client.
std::optional<Departure> departure_of(const Server& server, const Peer& client);

/// Stops a server while this lives, so that it finds all at once what comes meanwhile. One that
/// ends when it goes on (epoll_wait, say, fails with EINTR then: signal(7)) is not stopped.
class Halt
{
  public:
    explicit Halt(const Server& server);
    ~Halt();
    Halt(const Halt&) = delete;

  private:
    pid_t group_ = 0; ///< that is stopped
};

/// Runs a greeting client against a port of 127.0.0.1: the lab's own, or the one that CLIENT names,
/// in whose command {port} is filled in; without {port} it connects to 9999.
std::string client_command(int port);
/// The port on which the test has to listen for that client: 0, any, unless it can only connect to
/// 9999.
int client_port();

} // namespace lab
