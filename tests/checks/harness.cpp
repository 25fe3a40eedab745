#include "harness.hpp"
#include "tests/watch/process.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
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
namespace
{

/// A port on which nobody listens now.
int free_port()
{
    const Listener listener; // ends with this function
    return listener.port();
}

} // namespace

// ---- The programs under test --------------------------------------------------------------------

std::string own(const std::string& program)
{
    return (variable("LAB_BIN").empty() ? "." : variable("LAB_BIN")) + "/" + program;
}

bool is_foreign(const char* name) { return !variable(name).empty(); }
bool takes_port(const char* name) { return variable(name).find("{port}") != std::string::npos; }

Server::Server(const std::string& delay, const std::string& options, const std::string& prefix,
               Output output, const std::string& more)
    : Server(is_foreign("SERVER") && takes_port("SERVER") ? free_port() : 9999,
             is_foreign("SERVER") && variable("SERVER").find("{delay}") == std::string::npos
                 ? 1
                 : std::stod(delay),
             is_foreign("SERVER")
                 ? fill(variable("SERVER"), {{"delay", delay}}).english() + more
                 : prefix + own("server") + " --port 0 --delay " + delay + " " + options,
             output)
{
}

Server::Server(int port, double delay, const std::string& command, Output output)
    : Program(fill(command, {{"port", std::to_string(port)}}).english(), "", output), port_(port),
      delay_(delay)
{
    if (is_foreign("SERVER")) {
        return; // the checks look at what it does
    }
    until([&] { return out().find("Waiting for connection...\n") != std::string::npos; }, patience);
    const std::string said = err(); // the lab's own server says here which port the system chose
    const std::size_t end = said.find(". Ctrl-C stops");
    if (end == std::string::npos) {
        throw std::runtime_error("the server " + fate().english() + " and said: " + out() + said);
    }
    port_ = std::stoi(said.substr(said.rfind(':', end) + 1));
}

bool Server::listens()
{
    if (access("/proc/self/stat", R_OK) != 0) { // its sockets cannot be seen here
        until([&] { return !out().empty(); }, times::silence);
        return !has_ended();
    }
    // The list takes long to read: it is looked at when there is reason to, and now and then.
    int looks = 0;
    const auto has_called = [&] {
        const auto made = calls();
        return std::any_of(made.begin(), made.end(),
                           [](const Call& call) { return call.kind == "listen"; });
    };
    return until(
        [&] {
            const bool is_due = trace() == nullptr || ++looks % 16 == 0 || has_called();
            const auto sockets =
                is_due ? listening_sockets_of(pid()) : std::vector<ListeningSocket>();
            return std::any_of(sockets.begin(), sockets.end(), [&](const ListeningSocket& socket) {
                return socket.port == port_ && !socket.datagrams && socket.address != "::1";
            });
        },
        times::to_listen, times::to_start);
}

int client_port() { return is_foreign("CLIENT") && !takes_port("CLIENT") ? 9999 : 0; }

int port_of(const Peer& peer)
{
    return std::stoi(peer.address().substr(peer.address().rfind(':') + 1));
}

std::optional<Departure> departure_of(const Server& server, const Peer& client)
{
    return departure_of_server(server.calls(),
                               {server.port(), Seconds(server.delay()), false, port_of(client)});
}

/// Returns when all of them have stopped.
static void halt(pid_t group)
{
    kill(-group, SIGSTOP);
    eventually([&] { return activity_of(group).stopped; }, times::soon);
}

Halt::Halt(const Server& server)
{
    static const bool is_harmless = [] {
        if (!takes_port("SERVER")) {
            return true; // there cannot be a second one, to try it
        }
        Server other;
        other.listens();
        other.until([] { return false; }, times::delayed); // as far as where it waits
        halt(other.pid());
        kill(-other.pid(), SIGCONT);
        return !other.until([&] { return other.has_ended(); }, times::moment);
    }();
    if (is_harmless) {
        group_ = server.pid();
        halt(group_);
    }
}

Halt::~Halt()
{
    if (group_ != 0) {
        kill(-group_, SIGCONT);
    }
}

std::string client_command(int port)
{
    return is_foreign("CLIENT")
               ? fill(variable("CLIENT"), {{"port", std::to_string(port)}}).english()
               : own("client") + " --port " + std::to_string(port);
}

} // namespace lab
