#include "process.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
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
            const std::string letter =
                state.empty() ? ""
                              : state[0]; // "t" is stopped by who watches it, mostly for a moment
            sum.runs = sum.runs || letter == "R" || letter == "D" || letter == "t";
            sum.stopped = sum.stopped && (letter == "T" || letter == "t");
        }
    }
    return sum;
}

std::vector<ListeningSocket> listening_sockets_of(pid_t group)
{
    std::map<std::string, pid_t> owners; // of each inode
    for (const pid_t pid : processes_of(group)) {
        for (const std::string& name : entries(directory(pid) + "/fd")) {
            std::error_code error;
            const fs::path link = fs::read_symlink(directory(pid) + "/fd/" + name, error);
            if (const std::string to = link.string(); to.starts_with("socket:[")) {
                owners.emplace(to.substr(8, to.size() - 9), pid);
            }
        }
    }
    std::vector<ListeningSocket> found;
    for (const std::string table : {"tcp", "tcp6", "udp", "udp6"}) {
        const bool datagrams = table.starts_with("udp");
        std::ifstream file("/proc/self/net/" + table);
        std::string line;
        std::getline(file, line); // the headings
        while (std::getline(file, line)) {
            std::istringstream fields(line);
            std::array<std::string, 10> field;
            for (std::string& each : field) {
                fields >> each;
            }
            const bool waits = field[3] == (datagrams ? "07" : "0A");
            const auto owner = owners.find(field[9]);
            const std::size_t colon = field[1].find(':');
            if (!waits || colon == std::string::npos || (group != 0 && owner == owners.end())) {
                continue;
            }
            ListeningSocket next{address_in(field[1].substr(0, colon)),
                                 std::stoi(field[1].substr(colon + 1), nullptr, 16),
                                 datagrams,
                                 owner == owners.end() ? 0 : owner->second,
                                 "",
                                 std::stol(field[4].substr(field[4].find(':') + 1), nullptr, 16)};
            next.program = name_of(next.owner);
            found.push_back(next);
        }
    }
    return found;
}

bool handshake_is_unfinished(int server_port, const std::string& client)
{
    const int client_port = std::stoi(client.substr(client.rfind(':') + 1));
    const auto port_of = [](const std::string& field) {
        return std::stoi(field.substr(field.find(':') + 1), nullptr, 16);
    };
    for (const std::string table : {"tcp", "tcp6"}) {
        std::ifstream file("/proc/self/net/" + table);
        std::string line;
        std::getline(file, line); // the headings
        while (std::getline(file, line)) {
            std::istringstream fields(line);
            std::string number, local, remote, state;
            fields >> number >> local >> remote >> state;
            if (port_of(local) == server_port && port_of(remote) == client_port) {
                return state == "03"; // SYN_RECV
            }
        }
    }
    return std::ifstream("/proc/self/net/tcp").good(); // the kernel knows nothing of it
}

} // namespace lab
