#include "stage.hpp"
#include "tcp_state.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace
{

int open_network() { return ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC); }
void enter(int network)
{
    if (::setns(network, CLONE_NEWNET) == -1) {
        throw_errno("setns");
    }
}

} // namespace

Stage::Stage(int hosts) : here_(open_network(), "open")
{
    if (hosts == 2) {
        if (::unshare(CLONE_NEWNET) == -1) {
            throw_errno("a second network");
        }
        there_.emplace(open_network(), "open");
        switch_on("lo");
        enter(here_);
        join("wire0", "wire1", *there_);
        enter(*there_);
        set_address("wire1", "10.0.0.2");
        switch_on("wire1");
        enter(here_);
        set_address("wire0", "10.0.0.1");
        switch_on("wire0");
    }
    capture(hosts == 2 ? "wire0" : "lo");
    if (::pipe2(calls_, O_CLOEXEC) == -1) {
        throw_errno("pipe");
    }
    ::fcntl(calls_[0], F_SETFL, O_NONBLOCK);
}

Stage::~Stage()
{
    for (Player& player : players) {
        stop(player);
    }
    ::close(capture_);
    ::close(calls_[0]);
    ::close(calls_[1]);
    enter(here_);
}

void Stage::stop(Player& player)
{
    if (!player.has_ended) {
        ::kill(player.pid, SIGKILL);
        ::waitpid(player.pid, nullptr, 0);
        player.has_ended = true;
    }
}

void Stage::watch_until_waits_in(const Player& player, const std::string& call)
{
    watch_until(player.name + " waits in " + call, [&] {
        return std::any_of(calls.begin(), calls.end(), [&](const WireCall& each) {
            return each.pid == player.pid && each.name == call && !each.has_returned;
        });
    });
}

void Stage::watch_until_ends(Player& player)
{
    watch_until(player.name + " ends", [&] {
        player.has_ended =
            player.has_ended || ::waitpid(player.pid, nullptr, WNOHANG) == player.pid;
        return player.has_ended;
    });
}

bool Stage::has_seen(const std::function<bool(const Packet&)>& test) const
{
    return std::any_of(frames.begin(), frames.end(),
                       [&](const Frame& frame) { return test(Packet(frame)); });
}

int Stage::descriptor_of(const Player& player, const std::string& call) const
{
    const auto found = std::find_if(calls.begin(), calls.end(), [&](const WireCall& each) {
        return each.pid == player.pid && each.name == call;
    });
    return found == calls.end() ? -1 : found->fd;
}

/// Catching packets is itself a socket. It sees what passes on one card. packet(7)
void Stage::capture(const char* card)
{
    capture_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(card));
    is_loopback_ = std::string_view(card) == "lo";
    const int on = 1;
    const int room = 4 << 20;
    if (capture_ == -1 ||
        ::bind(capture_, reinterpret_cast<sockaddr*>(&address), sizeof address) == -1 ||
        ::setsockopt(capture_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == -1) {
        throw_errno("catching packets (AF_PACKET)");
    }
    ::setsockopt(capture_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

/// Takes the next packet, if there is one. On loopback each passes twice, out and in.
bool Stage::take_frame()
{
    Frame frame;
    frame.bytes.resize(65536);
    sockaddr_ll from{};
    iovec block{frame.bytes.data(), frame.bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
    msghdr message{&from, sizeof from, &block, 1, control, sizeof control, 0};
    const ssize_t size = ::recvmsg(capture_, &message, 0);
    if (size == -1) {
        return false;
    }
    frame.bytes.resize(static_cast<std::size_t>(size));
    const cmsghdr* stamp = CMSG_FIRSTHDR(&message);
    if (stamp != nullptr && stamp->cmsg_type == SCM_TIMESTAMPNS) {
        timespec time{};
        std::memcpy(&time, CMSG_DATA(stamp), sizeof time);
        frame.time = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    }
    const bool is_second = is_loopback_ && from.sll_pkttype == PACKET_OUTGOING;
    if (!is_second && Packet(frame).kind != Packet::Kind::other) {
        frames.push_back(std::move(frame));
    }
    return true;
}

void Stage::take_calls()
{
    WireCall call;
    while (::read(calls_[0], &call, sizeof call) == static_cast<ssize_t>(sizeof call)) {
        calls.push_back(call);
    }
}

void Stage::watch_until(const std::string& what, const std::function<bool()>& condition)
{
    const auto end = std::chrono::steady_clock::now() + Seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            throw std::runtime_error("the scene stopped in the middle: waited until " + what + ".");
        }
        pollfd sources[2] = {{capture_, POLLIN, 0}, {calls_[0], POLLIN, 0}};
        ::poll(sources, 2, 5);
        while (take_frame()) {
        }
        take_calls();
    }
}

void Stage::watch_until_quiet(Seconds time)
{
    auto last = std::chrono::steady_clock::now();
    std::size_t before = 0;
    watch_until("all is quiet", [&] {
        const auto now = std::chrono::steady_clock::now();
        last = frames.size() + calls.size() != before ? now : last;
        before = frames.size() + calls.size();
        return now - last > time;
    });
}

Player& Stage::start(int side, std::string name, std::vector<std::string> words)
{
    const auto self = std::filesystem::read_symlink("/proc/self/exe"); // LAB/lessons/wire/wire
    const auto home = self.parent_path();
    const auto lab = home.parent_path().parent_path();
    if (words[0] == "--player") { // this program itself, in another part
        words.insert(words.begin(), "lessons/wire/wire");
    }
    const std::string program = lab / words[0];
    words[0] = program;
    const std::string shim = home / "shim.so";
    for (const std::string& file : {program, shim}) {
        if (::access(file.c_str(), file == program ? X_OK : R_OK) == -1) {
            throw std::runtime_error("cannot use " + file + ": " + std::strerror(errno) +
                                     (errno == ENOENT ? ". It is not built: run make." : "."));
        }
    }
    const bool is_there = side == 1 && there_;
    if (is_there) {
        enter(*there_);
    }
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int out = ::open("/dev/null", O_RDWR);
        for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
            ::dup2(out, fd);
        }
        ::fcntl(calls_[1], F_SETFD, 0);
        ::setenv(wire_variable, std::to_string(calls_[1]).c_str(), 1);
        ::setenv("LD_PRELOAD", shim.c_str(), 1);
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        if (::getppid() == parent) {
            ::execv(program.c_str(), arguments.data());
        }
        ::_exit(127);
    }
    if (is_there) {
        enter(here_);
    }
    if (pid == -1) {
        throw_errno("fork");
    }
    return players.emplace_back(Player{pid, side, std::move(name), false});
}

std::vector<std::string> Stage::states_of(std::uint32_t port)
{
    std::vector<std::string> found;
    std::ifstream table("/proc/self/net/tcp");
    std::string line;
    std::getline(table, line); // the headings
    while (std::getline(table, line)) {
        unsigned local = 0;
        unsigned state = 0;
        if (std::sscanf(line.c_str(), "%*d: %*8x:%4x %*8x:%*4x %2x", &local, &state) == 2 &&
            local == port) {
            found.push_back(state_name(static_cast<int>(state)));
        }
    }
    return found;
}
