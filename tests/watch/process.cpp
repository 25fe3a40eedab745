#include "process.hpp"

#include "syscalls.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <arpa/inet.h>
#include <unistd.h>

namespace lab
{
namespace
{

namespace fs = std::filesystem;

std::string directory(pid_t pid) { return "/proc/" + std::to_string(pid); }

/// The entries of a directory; none if it cannot be read, or has gone.
std::vector<std::string> entries(const std::string& path)
{
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator each(path, error), end; !error && each != end;
         each.increment(error)) {
        names.push_back(each->path().filename().string());
    }
    return names;
}

std::string name_of(pid_t pid)
{
    std::ifstream file(directory(pid) + "/comm");
    std::string name;
    std::getline(file, name);
    return name;
}

bool is_number(const std::string& text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/// The fields of a stat file from the third one on: the second, the name, may have blanks in it.
std::vector<std::string> stat_fields(const std::string& path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
    std::vector<std::string> fields;
    for (std::string field; rest >> field;) {
        fields.push_back(field);
    }
    return fields;
}

/// The socket's address in one line of /proc/net/tcp: four bytes, or four times four, as the kernel
/// has them.
std::string address_in(const std::string& hex)
{
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < hex.size() / 8; ++i) {
        words[i] = static_cast<std::uint32_t>(std::stoul(hex.substr(i * 8, 8), nullptr, 16));
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(hex.size() == 8 ? AF_INET : AF_INET6, words.data(), text.data(), text.size());
    return text.data();
}

} // namespace

std::vector<pid_t> processes_of(pid_t group)
{
    std::vector<pid_t> found;
    for (const std::string& name : entries("/proc")) {
        if (!is_number(name)) {
            continue;
        }
        const auto fields = stat_fields("/proc/" + name + "/stat");
        if (fields.size() > 2 && (group == 0 || fields[2] == std::to_string(group)) &&
            name_of(std::stoi(name)) != "bwrap") { // it is around a program that is marked
            found.push_back(std::stoi(name));
        }
    }
    return found;
}

/// True for a thread that runs or wants to; "t" is stopped by who watches it, mostly for a moment.
static bool runs(const std::string& state) { return state == "R" || state == "D" || state == "t"; }

Activity activity_of(pid_t group)
{
    Activity sum;
    for (const pid_t pid : processes_of(group)) {
        const auto fields = stat_fields(directory(pid) + "/stat");
        if (fields.size() < 13) {
            continue;
        }
        if (fields[0] == "Z") {
            ++sum.zombies;
            continue;
        }
        ++sum.processes;
        sum.ticks += std::stol(fields[11]) + std::stol(fields[12]);
        sum.descriptors += static_cast<long>(entries(directory(pid) + "/fd").size());
        for (const std::string& thread : entries(directory(pid) + "/task")) {
            const auto state = stat_fields(directory(pid) + "/task/" + thread + "/stat");
            ++sum.threads;
            const std::string letter = state.empty() ? "" : state[0];
            sum.runs = sum.runs || runs(letter);
            sum.stopped = sum.stopped && (letter == "T" || letter == "t");
        }
    }
    return sum;
}

Activity activity_of(const std::vector<pid_t>& threads)
{
    Activity sum;
    for (const pid_t thread : threads) {
        const auto fields = stat_fields(directory(thread) + "/stat");
        for (std::size_t i = 11; i < 15 && i < fields.size(); ++i) {
            sum.ticks += std::stol(fields[i]);
        }
        sum.runs = sum.runs || (!fields.empty() && runs(fields[0]));
    }
    return sum;
}

std::string state_name(int state)
{
    static const std::vector<std::string> names = {
        "",          "ESTABLISHED", "SYN_SENT",   "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
        "TIME_WAIT", "CLOSED",      "CLOSE_WAIT", "LAST_ACK", "LISTEN",    "CLOSING"};
    const auto number = static_cast<std::size_t>(state);
    return number < names.size() ? names[number] : "";
}

std::vector<ListedSocket> sockets_of(pid_t process)
{
    std::vector<ListedSocket> found;
    const std::string folder = process == 0 ? "/proc/self" : directory(process);
    for (const std::string table : {"tcp", "tcp6", "udp", "udp6"}) {
        std::ifstream file(folder + "/net/" + table);
        std::string line;
        std::getline(file, line); // the headings
        while (std::getline(file, line)) {
            ListedSocket socket;
            unsigned state = 0;
            std::array<char, 33> address{};
            if (std::sscanf(
                    line.c_str(), " %*d: %32[^:]:%x %*32[^:]:%x %x %lx:%lx %*s %*s %*d %*d %lu",
                    address.data(), reinterpret_cast<unsigned*>(&socket.port),
                    reinterpret_cast<unsigned*>(&socket.peer), &state,
                    reinterpret_cast<unsigned long*>(&socket.unacknowledged),
                    reinterpret_cast<unsigned long*>(&socket.waiting), &socket.inode) == 7) {
                socket.address = address_in(address.data());
                socket.datagrams = table.starts_with("udp");
                socket.state = state_name(static_cast<int>(state));
                found.push_back(socket);
            }
        }
    }
    return found;
}

/// Calls `look` for each descriptor of a group that is a socket's: with the process, the
/// descriptor, and the socket's number.
template<class Look> static void for_each_socket(pid_t group, Look look)
{
    for (const pid_t pid : processes_of(group)) {
        for (const std::string& name : entries(directory(pid) + "/fd")) {
            if (const long inode = socket_of(pid, std::stol(name)); inode != 0) {
                look(pid, std::stol(name), static_cast<unsigned long>(inode));
            }
        }
    }
}

std::vector<ListeningSocket> listening_sockets_of(pid_t group)
{
    std::map<unsigned long, pid_t> owners; // of each socket
    for_each_socket(group, [&](pid_t pid, long /*descriptor*/, unsigned long inode) {
        owners.emplace(inode, pid);
    });
    std::vector<ListeningSocket> found;
    for (const ListedSocket& socket : sockets_of()) {
        const auto owner = owners.find(socket.inode);
        const bool waits = socket.state == (socket.datagrams ? "CLOSED" : "LISTEN");
        if (waits && (group == 0 || owner != owners.end())) {
            const pid_t pid = owner == owners.end() ? 0 : owner->second;
            found.push_back({socket, pid, name_of(pid)});
        }
    }
    return found;
}

bool handshake_is_unfinished(int server_port, const std::string& client)
{
    const int client_port = std::stoi(client.substr(client.rfind(':') + 1));
    for (const ListedSocket& socket : sockets_of()) {
        if (socket.port == server_port && socket.peer == client_port) {
            return socket.state == "SYN_RECV";
        }
    }
    return std::ifstream("/proc/self/net/tcp").good(); // the kernel knows nothing of it
}

bool is_held_back(int server_port, int client_port)
{
    const std::vector<ListedSocket> all = sockets_of();
    return std::any_of(all.begin(), all.end(), [&](const ListedSocket& socket) {
        return socket.port == server_port && socket.peer == client_port &&
               socket.unacknowledged > 0;
    });
}

int copy_of_socket(pid_t group, unsigned long inode)
{
    int copy = -1;
    for_each_socket(group, [&](pid_t pid, long descriptor, unsigned long number) {
        copy = copy == -1 && number == inode ? copy_of(pid, descriptor) : copy;
    });
    return copy;
}

} // namespace lab
