#include "ports.hpp"
#include "harness.hpp"
#include "language.hpp"
#include "tests/watch/process.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lab
{
namespace
{

/// True if a server without SO_REUSEADDR could have port 9999.
bool the_port_is_free()
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9999);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return is_free;
}

} // namespace

bool uses_fixed_port()
{
    return (is_foreign("SERVER") && !takes_port("SERVER")) ||
           (is_foreign("CLIENT") && !takes_port("CLIENT"));
}

void accept_fixed_ports()
{
    const auto fix = [](const char* name) {
        setenv(name, fill(variable(name), {{"port", "9999"}, {"delay", "1"}}).english().c_str(), 1);
    };
    if (is_foreign("SERVER")) {
        Server server;
        const auto listens = [&](int port) {
            const auto sockets = listening_sockets_of(server.pid());
            return std::any_of(sockets.begin(), sockets.end(),
                               [&](const auto& socket) { return socket.port == port; });
        };
        if (!server.listens() && listens(9999)) {
            fix("SERVER");
        }
    }
    if (is_foreign("CLIENT") && the_port_is_free()) {
        const Listener asked;
        const Listener notebook(9999);
        Program client(client_command(asked.port()));
        client.until([&] { return asked.has_client() || notebook.has_client(); }, times::silence);
        if (!asked.has_client() && notebook.has_client()) {
            fix("CLIENT");
        }
    }
}

Sentence who_has_the_port()
{
    for (const ListeningSocket& socket : listening_sockets_of(0)) {
        if (socket.port == 9999 && !socket.datagrams) {
            if (socket.program.empty()) {
                return "Port 9999 is taken, by a program of another user. Your program could not "
                       "have it, and that one would be judged. Stop it (Ctrl-C in its terminal), "
                       "and start again.";
            }
            return fill("Port 9999 is taken, by \"{program}\", process {number}. Your program "
                        "could not have it, and that one would be judged. Stop it (Ctrl-C in its "
                        "terminal, or kill {number}), and start again.",
                        {{"program", socket.program}, {"number", std::to_string(socket.owner)}});
        }
    }
    return "";
}

void wait_for_the_port()
{
    if (!the_port_is_free()) {
        std::cerr << shown(
            "\nWaiting up to a minute for port 9999: connections that have just ended "
            "still hold it (TIME_WAIT).\n");
        eventually(the_port_is_free, times::to_leave);
    }
}

} // namespace lab
