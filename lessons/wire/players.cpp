// players.cpp: who plays the other side of a scene where the lab's own programs cannot: this
// program itself, in another part. It has one thread and the bare calls; poll(2) says whose turn
// it is.
#include "cast.hpp"
#include "scenes.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

namespace
{

using Steady = std::chrono::steady_clock;

sockaddr_in address_of_the_server()
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(the_port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// Waits for one of these events. If it does not come, the stage ends this player.
void await(int fd, short events)
{
    pollfd look{fd, events, 0};
    ::poll(&look, 1, -1);
}

/// Receives once. False at the end.
bool hear(int fd, std::string& heard)
{
    std::array<char, 1024> bytes{};
    const ssize_t count = ::recv(fd, bytes.data(), bytes.size(), 0);
    heard.assign(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return count > 0;
}

bool say(int fd, const std::string& words)
{
    return ::send(fd, words.data(), words.size(), MSG_NOSIGNAL) != -1;
}

/// Waits until the other program has received all that this socket has sent.
void until_taken(int fd)
{
    sockaddr_in own{};
    socklen_t length = sizeof own;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length);
    const auto is_taken = [&] {
        const auto sockets = lab::sockets_of();
        return std::any_of(sockets.begin(), sockets.end(), [&](const lab::ListedSocket& socket) {
            return socket.peer == ntohs(own.sin_port) && socket.waiting == 0;
        });
    };
    while (!is_taken()) {
        ::usleep(2000);
    }
}

/// A client, whose acts are words.
///
///     connect, hear, send:TEXT, long, end (shutdown), rest
///     arrived: wait until something can be received; taken: until the server has received all
///     drain: hear until the other side has ended
void perform(const std::vector<std::string>& acts)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string heard;
    for (const std::string& act : acts) {
        if (act == "connect") {
            const sockaddr_in address = address_of_the_server();
            const int on = 1;
            if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1) {
                throw_errno("connect 127.0.0.1:9999");
            }
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // each send is a segment
        } else if (act == "hear") {
            hear(fd, heard);
        } else if (act == "drain") {
            while (hear(fd, heard)) {
            }
        } else if (act == "end") {
            ::shutdown(fd, SHUT_WR);
        } else if (act == "arrived") {
            await(fd, POLLIN);
        } else if (act == "taken") {
            until_taken(fd);
        } else if (act == "rest") {
            ::usleep(300'000);
        } else {
            say(fd, act == "long" ? std::string(5000, 'x') : act.substr(act.find(':') + 1));
        }
    }
    ::close(fd);
}

/// Where clients come to.
int open_door()
{
    const int door = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = address_of_the_server();
    if (::bind(door, reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1 ||
        ::listen(door, 128) == -1) {
        throw_errno("bind 127.0.0.1:9999");
    }
    return door;
}

/// Somebody who has come to the server, and what is due to be said: after a name its greeting, and
/// nothing, where the connection is to be closed.
struct Guest {
    int fd = -1;
    bool is_waiting = false; ///< for what is due; else it may say something
    std::string words{};
    Steady::time_point due{};
};

/// Greets who comes, several at the same time, or one after the other.
void greet_guests(Seconds delay, bool in_turn)
{
    const int door = open_door();
    std::vector<Guest> guests;
    for (;;) {
        std::vector<pollfd> looks;
        auto wake = Steady::now() + std::chrono::hours(1);
        for (const Guest& guest : guests) { // a negative number is passed over
            looks.push_back({guest.is_waiting ? -1 : guest.fd, POLLIN, 0});
            wake = guest.is_waiting ? std::min(wake, guest.due) : wake;
        }
        looks.push_back({in_turn && !guests.empty() ? -1 : door, POLLIN, 0});
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(wake - Steady::now());
        ::poll(looks.data(), looks.size(), std::max(static_cast<int>(rest.count()), 0));
        for (std::size_t i = 0; i < guests.size(); ++i) {
            Guest& guest = guests[i];
            if (!guest.is_waiting && looks[i].revents != 0) {
                const bool goes_on = hear(guest.fd, guest.words) && guest.words != "exit";
                guest.words = goes_on ? "Hello, " + guest.words + "!" : "";
                guest.is_waiting = true;
                guest.due = Steady::now() + std::chrono::duration_cast<Steady::duration>(delay);
            } else if (guest.is_waiting && guest.due <= Steady::now()) {
                guest.is_waiting = false;
                if (guest.words.empty() || !say(guest.fd, guest.words)) {
                    ::close(std::exchange(guest.fd, -1));
                }
            }
        }
        std::erase_if(guests, [](const Guest& guest) { return guest.fd == -1; });
        if (looks.back().revents != 0) {
            guests.push_back({::accept(door, nullptr, nullptr)});
            say(guests.back().fd, "Welcome!");
        }
    }
}

/// Takes one client, and reads when all that it sends has come.
void read_late()
{
    const int guest = ::accept(open_door(), nullptr, nullptr);
    await(guest, POLLRDHUP);
    ::usleep(50'000); // its kernel has acknowledged everything
    for (std::string heard; hear(guest, heard);) {
    }
    ::close(guest);
}

} // namespace

bool act(const std::vector<std::string>& words)
{
    const std::string part = words.empty() ? "" : words[0];
    if (part == "server" || part == "server-in-turn") {
        greet_guests(Seconds(std::stod(words.at(1))), part != "server");
    } else if (part == "late-server") {
        read_late();
    } else if (part == "client") {
        perform({words.begin() + 1, words.end()});
    } else {
        return false;
    }
    return true;
}
