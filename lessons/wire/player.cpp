#include "player.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <set>
#include <sstream>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace
{

/// The number that the last process, or thread, of this namespace was given. proc_loadavg(5)
long last_number()
{
    std::ifstream load("/proc/loadavg");
    std::string word;
    while (load >> word) {
    }
    return std::atol(word.c_str());
}

/// The library that shows a player's calls; it lies beside this program.
int open_shim()
{
    const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "shim.so";
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        throw std::runtime_error("cannot use " + path.string() + ": " + std::strerror(errno) +
                                 (errno == ENOENT ? ". It is not built: run make." : "."));
    }
    return fd;
}

/// Gives up what this process may do in its user namespace: who may do less than another must not
/// look at its descriptors, and the players have to. capset(2), ptrace(2)
void drop_capabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> none{};
    ::syscall(SYS_capset, &header, none.data());
}

/// The first process of the namespace: when it ends, so do all the others. That is when its parent
/// has gone, or when too many have been started.
[[noreturn]] void watch_over(int parent, std::atomic<bool>& is_overrun)
{
    ::setpgid(0, 0);            // Ctrl-C is for the parent
    ::signal(SIGCHLD, SIG_IGN); // whom nobody waits for is gone at once
    drop_capabilities();
    const bool is_ready = ::write(parent, "", 1) == 1;           // now players may come
    const bool is_counted = last_number() < Household::too_many; // else it is another namespace's
    pollfd end{parent, POLLIN, 0};
    while (is_ready && ::poll(&end, 1, 50) == 0) {
        if (is_counted && last_number() > Household::too_many) {
            is_overrun = true;
            break;
        }
    }
    ::_exit(0);
}

/// The fields of /proc/PID/stat from the third on; empty if there is no such process.
std::vector<std::string> stat_of(const std::string& pid)
{
    std::ifstream file("/proc/" + pid + "/stat");
    std::string text;
    std::getline(file, text, '\0');
    std::istringstream rest(text.substr(std::min(text.rfind(')'), text.size() - 1) + 1));
    std::vector<std::string> fields;
    for (std::string field; rest >> field;) {
        fields.push_back(field);
    }
    return fields;
}

/// The names in a folder.
std::vector<std::string> names_in(const std::string& path)
{
    std::vector<std::string> names;
    DIR* folder = ::opendir(path.c_str());
    while (const dirent* entry = folder != nullptr ? ::readdir(folder) : nullptr) {
        if (entry->d_name[0] != '.') {
            names.emplace_back(entry->d_name);
        }
    }
    if (folder != nullptr) {
        ::closedir(folder);
    }
    return names;
}

/// What a system call is that a thread waits in; empty for those that say nothing. syscall(2)
std::string name_of_call(long number)
{
    static const std::map<long, std::string> names = {
#ifdef SYS_poll
        {SYS_poll, "poll"},
        {SYS_select, "select"},
        {SYS_epoll_wait, "epoll_wait"},
#endif
        {SYS_ppoll, "poll"},
        {SYS_pselect6, "select"},
        {SYS_epoll_pwait, "epoll_wait"},
        {SYS_nanosleep, "sleep"},
        {SYS_clock_nanosleep, "sleep"},
#ifdef SYS_accept
        {SYS_accept, "accept"},
        {SYS_accept4, "accept"},
        {SYS_connect, "connect"},
        {SYS_recvfrom, "recv"},
        {SYS_recvmsg, "recv"},
        {SYS_sendto, "send"},
        {SYS_sendmsg, "send"},
#endif
        {SYS_write, "write"},
        {SYS_read, "read"},
    };
    const auto found = names.find(number);
    return found == names.end() ? "" : found->second;
}

} // namespace

Household::Household() : shim_(open_shim(), "open")
{
    if (::pipe2(calls_.data(), O_CLOEXEC) == -1) {
        throw_errno("pipe");
    }
    ::fcntl(calls_[0], F_SETFL, O_NONBLOCK);
    void* shared = ::mmap(nullptr, sizeof *is_overrun_, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        throw_errno("mmap");
    }
    is_overrun_ = new (shared) std::atomic<bool>(false);
    std::array<int, 2> ends{};
    if (::unshare(CLONE_NEWPID) == -1 ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == -1 ||
        (first_ = ::fork()) == -1) {
        throw_errno("processes of one's own");
    }
    if (first_ == 0) {
        ::close(ends[1]);
        watch_over(ends[0], *is_overrun_);
    }
    ::close(ends[0]);
    alive_ = ends[1];
    char byte = 0;
    if (::read(alive_, &byte, 1) != 1) {
        throw std::runtime_error("the players' namespace could not be set up");
    }
}

Household::~Household()
{
    ::close(alive_);
    ::waitpid(first_, nullptr, 0);
    ::close(calls_[0]);
    ::close(calls_[1]);
    ::munmap(is_overrun_, sizeof *is_overrun_);
}

bool Household::is_overrun() const { return *is_overrun_; }

std::string Player::last_words() const
{
    for (const std::string& text : {said[1], said[0]}) {
        std::istringstream lines(text);
        std::string last;
        for (std::string line; std::getline(lines, line);) {
            last = line.find_first_not_of(" \t\r") == std::string::npos ? last : line;
        }
        if (!last.empty()) {
            return last.substr(0, 200);
        }
    }
    return "";
}

std::string Player::fate() const
{
    if (!has_ended || was_stopped) {
        return "";
    }
    if (WIFSIGNALED(status)) {
        return std::string("was ended by a signal: ") + ::strsignal(WTERMSIG(status));
    }
    return "ended, with status " + std::to_string(WEXITSTATUS(status));
}

void start(Player& player, const std::vector<std::string>& words,
           const std::map<std::string, std::string>& environment)
{
    std::array<std::array<int, 2>, 2> outputs{};
    for (auto& ends : outputs) {
        if (::pipe2(ends.data(), O_CLOEXEC) == -1) {
            throw_errno("pipe");
        }
    }
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    player.pid = ::fork();
    if (player.pid == -1) {
        throw_errno("fork");
    }
    if (player.pid == 0) {
        ::setpgid(0, 0);
        for (int number = 1; number < NSIG; ++number) {
            ::signal(number, SIG_DFL);
        }
        ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        ::dup2(outputs[0][1], STDOUT_FILENO);
        ::dup2(outputs[1][1], STDERR_FILENO);
        for (const auto& [name, value] : environment) {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
        ::execv(arguments[0], arguments.data());
        const std::string why = words[0] + ": " + std::strerror(errno);
        ::_exit(::write(STDERR_FILENO, why.data(), why.size()) == -1 ? 126 : 127);
    }
    ::setpgid(player.pid, player.pid); // whoever is first
    for (const std::size_t i : {0U, 1U}) {
        ::close(outputs[i][1]);
        player.output[i] = outputs[i][0];
        ::fcntl(player.output[i], F_SETFL, O_NONBLOCK);
    }
}

void stop(Player& player)
{
    if (player.pid != -1) {
        ::kill(-player.pid, SIGKILL); // and all that it has started
    }
    if (player.pid != -1 && !player.has_ended) {
        player.was_stopped = true;
        player.has_ended = ::waitpid(player.pid, &player.status, 0) == player.pid;
    }
    for (int& output : player.output) {
        if (output != -1) {
            ::close(std::exchange(output, -1));
        }
    }
}

void attend_to(Player& player)
{
    constexpr std::size_t kept = 4096;
    const auto listen = [&] {
        for (const std::size_t i : {0U, 1U}) {
            std::array<char, 65536> bytes;
            const ssize_t n = ::read(player.output[i], bytes.data(), bytes.size());
            if (n > 0) {
                std::string& said = player.said[i];
                said.append(bytes.data(), static_cast<std::size_t>(n));
                said.erase(0, said.size() - std::min(said.size(), kept));
                player.printed += static_cast<std::size_t>(n);
            }
        }
    };
    listen();
    if (!player.has_ended && ::waitpid(player.pid, &player.status, WNOHANG) == player.pid) {
        player.has_ended = true;
        listen(); // its last words
    }
}

/// Calls `look` for each process of these players, with its number and what stat_of says of it:
/// those in the group of one, and whoever they have started.
template<class Players, class Look> static void for_each_process(const Players& players, Look look)
{
    std::map<std::string, std::vector<std::string>> all;
    for (const std::string& pid : names_in("/proc")) {
        if (pid.find_first_not_of("0123456789") == std::string::npos) {
            all[pid] = stat_of(pid);
        }
    }
    std::set<std::string> groups;
    for (const Player& player : players) {
        groups.insert(std::to_string(player.pid));
    }
    const std::function<bool(const std::string&)> belongs = [&](const std::string& pid) {
        const auto found = all.find(pid);
        return found != all.end() && found->second.size() > 17 &&
               (groups.contains(found->second[2]) || belongs(found->second[1]));
    };
    for (const auto& [pid, fields] : all) {
        if (belongs(pid)) {
            look(pid, fields);
        }
    }
}

/// The processes of a player.
static std::vector<std::string> processes_of(const Player& player)
{
    std::vector<std::string> found;
    for_each_process(std::array{std::cref(player)},
                     [&](const std::string& pid, const auto&) { found.push_back(pid); });
    return found;
}

std::vector<std::string> waits_in_kernel(const Player& player)
{
    std::vector<std::string> waits;
    for (const std::string& pid : processes_of(player)) {
        for (const std::string& thread : names_in("/proc/" + pid + "/task")) {
            std::ifstream file("/proc/" + pid + "/task/" + thread + "/syscall");
            long number = -1;
            file >> number;
            const std::string name = name_of_call(number);
            if (!name.empty() && std::find(waits.begin(), waits.end(), name) == waits.end()) {
                waits.push_back(name);
            }
        }
    }
    return waits;
}

Work work_of(const std::deque<Player>& players)
{
    Work work;
    const auto wants = [](const std::vector<std::string>& fields) {
        return !fields.empty() && (fields[0] == "R" || fields[0] == "D");
    };
    for_each_process(players, [&](const std::string& pid, const std::vector<std::string>& fields) {
        work.ticks += std::stol(fields[11]) + std::stol(fields[12]);
        work.is_wanted = work.is_wanted || wants(fields);
        if (!work.is_wanted && fields[17] != "1") {
            for (const std::string& thread : names_in("/proc/" + pid + "/task")) {
                work.is_wanted = work.is_wanted || wants(stat_of(pid + "/task/" + thread));
            }
        }
    });
    return work;
}

int copy_of_socket(const Player& player, unsigned long inode)
{
    const std::string wanted = "socket:[" + std::to_string(inode) + "]";
    for (const std::string& pid : processes_of(player)) {
        for (const std::string& fd : names_in("/proc/" + pid + "/fd")) {
            std::array<char, 64> target{};
            const std::string path = "/proc/" + pid + "/fd/" + fd;
            if (::readlink(path.c_str(), target.data(), target.size() - 1) > 0 &&
                wanted == target.data()) {
                const Descriptor process(
                    static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)), "pidfd_open");
                return static_cast<int>(::syscall(SYS_pidfd_getfd, int(process), std::stoi(fd), 0));
            }
        }
    }
    return -1;
}
