// wire_stage.hpp: where a scene is played: the programs in it, what they call, and what passes on
// the wire. packet(7), socket(7)
#pragma once

#include "wire_call.hpp"
#include "wire_network.hpp"
#include "wire_packet.hpp"

#include <csignal>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/// A program on the stage. Its end is the object's, and the other way round.
struct Player {
    pid_t pid = -1;
    int side = 0; ///< of the page: 0 left, 1 right
    std::string name;
    bool has_ended = false;
};

/// The name of a TCP state, as Linux numbers them; empty for none. TCP_INFO in tcp(7), proc(5)
inline std::string state_name(int state)
{
    static const std::vector<std::string> names = {
        "",          "ESTABLISHED", "SYN_SENT",   "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
        "TIME_WAIT", "CLOSED",      "CLOSE_WAIT", "LAST_ACK", "LISTEN",    "CLOSING"};
    const auto number = static_cast<std::size_t>(state);
    return number < names.size() ? names[number] : "";
}

class Stage
{
  public:
    /// `hosts` is 1, and all is on loopback; or 2, with a wire between them, where the server is
    /// 10.0.0.2.
    explicit Stage(int hosts)
    {
        if (hosts == 2) {
            if (::unshare(CLONE_NEWNET) == -1) {
                throw_errno("a second network");
            }
            there_.emplace(open_network(), "open");
            switch_on("lo");
            enter(here_);
            WireRequest("wire0", "wire1", *there_).send();
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
    ~Stage()
    {
        for (Player& player : players) {
            stop(player);
        }
        ::close(capture_);
        ::close(calls_[0]);
        ::close(calls_[1]);
        enter(here_);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    /// Starts a program: on the left, or on the right, where the second host is, if there is one.
    Player& start(int side, std::string name, std::vector<std::string> words);
    static void stop(Player& player)
    {
        if (!player.has_ended) {
            ::kill(player.pid, SIGKILL);
            ::waitpid(player.pid, nullptr, 0);
            player.has_ended = true;
        }
    }

    /// Watches the wire and the calls until `condition` holds. Throws after ten seconds.
    void watch_until(const std::string& what, const std::function<bool()>& condition);
    /// Watches until nothing has happened for so long.
    void watch_until_quiet(Seconds time);
    /// Watches until this player waits in a call of that name.
    void watch_until_waits_in(const Player& player, const std::string& call)
    {
        watch_until(player.name + " waits in " + call, [&] {
            return std::any_of(calls.begin(), calls.end(), [&](const WireCall& each) {
                return each.pid == player.pid && each.name == call && !each.has_returned;
            });
        });
    }
    void watch_until_ends(Player& player)
    {
        watch_until(player.name + " ends", [&] {
            player.has_ended =
                player.has_ended || ::waitpid(player.pid, nullptr, WNOHANG) == player.pid;
            return player.has_ended;
        });
    }
    /// True once a packet of this kind has been seen.
    bool has_seen(const std::function<bool(const Packet&)>& test) const
    {
        return std::any_of(frames.begin(), frames.end(),
                           [&](const Frame& frame) { return test(Packet(frame)); });
    }

    /// The descriptor with which a player made such a call.
    int descriptor_of(const Player& player, const std::string& call) const
    {
        const auto found = std::find_if(calls.begin(), calls.end(), [&](const WireCall& each) {
            return each.pid == player.pid && each.name == call;
        });
        return found == calls.end() ? -1 : found->fd;
    }
    /// What Linux says about the sockets of this network that have this port: "TIME_WAIT". proc(5)
    static std::vector<std::string> states_of(std::uint32_t port);
    static std::int64_t clock() ///< CLOCK_REALTIME, in nanoseconds
    {
        return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch())
            .count();
    }

    /// Something that a player meets with, besides its calls.
    void note(const Player& player, const std::string& text)
    {
        notes.push_back({clock(), &player, text});
    }
    struct Note {
        std::int64_t time;
        const Player* player;
        std::string text;
    };

    std::deque<Player> players; ///< they stay where they are
    std::vector<Note> notes;
    std::vector<WireCall> calls;
    std::vector<Frame> frames;

  private:
    static int open_network() { return ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC); }
    static void enter(int network)
    {
        if (::setns(network, CLONE_NEWNET) == -1) {
            throw_errno("setns");
        }
    }
    void capture(const char* card);
    bool take_frame();
    void take_calls();

    Descriptor here_{open_network(), "open"};
    std::optional<Descriptor> there_;
    int capture_ = -1;
    bool is_loopback_ = false;
    int calls_[2] = {-1, -1};
};

/// Catching packets is itself a socket. It sees what passes on one card. packet(7)
inline void Stage::capture(const char* card)
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
inline bool Stage::take_frame()
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

inline void Stage::take_calls()
{
    WireCall call;
    while (::read(calls_[0], &call, sizeof call) == static_cast<ssize_t>(sizeof call)) {
        calls.push_back(call);
    }
}

inline void Stage::watch_until(const std::string& what, const std::function<bool()>& condition)
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

inline void Stage::watch_until_quiet(Seconds time)
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

inline Player& Stage::start(int side, std::string name, std::vector<std::string> words)
{
    const auto home = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    if (words[0] == "--player") { // this program itself, in another part
        words.insert(words.begin(), "lessons/wire");
    }
    const std::string program = (home.parent_path() / words[0]).string();
    words[0] = program;
    const std::string shim = home / "wire_shim.so";
    if (::access(program.c_str(), X_OK) != 0 || ::access(shim.c_str(), R_OK) != 0) {
        throw std::runtime_error("'" + program +
                                 "' or the library beside wire is not built: run make.");
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

inline std::vector<std::string> Stage::states_of(std::uint32_t port)
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

/// Throws away what comes to one of a player's sockets, as if it had been lost on the way: a filter
/// on that socket, which lets nothing pass. socket(7), pidfd_getfd(2)
class Loss
{
  public:
    Loss(Stage& stage, const Player& player, int fd)
        : stage_(stage), first_(static_cast<std::ptrdiff_t>(stage.frames.size())),
          process_(static_cast<int>(::syscall(SYS_pidfd_open, player.pid, 0)), "pidfd_open"),
          socket_(static_cast<int>(::syscall(SYS_pidfd_getfd, int(process_), fd, 0)), "pidfd_getfd")
    {
        sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
        const sock_fprog filter{1, &nothing};
        if (::setsockopt(socket_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == -1) {
            throw_errno("a filter");
        }
    }
    /// Ends when a packet of this kind has been lost.
    void until(const std::function<bool(const Packet&)>& test)
    {
        const auto is_meant = [&](const Frame& frame) { return test(Packet(frame)); };
        stage_.watch_until("a packet can be lost", [&] {
            return std::any_of(stage_.frames.begin() + first_, stage_.frames.end(), is_meant);
        });
        const int none = 0;
        ::setsockopt(socket_, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
        for (auto frame = stage_.frames.begin() + first_; frame != stage_.frames.end(); ++frame) {
            frame->is_lost = is_meant(*frame);
        }
    }

  private:
    Stage& stage_;
    std::ptrdiff_t first_;
    Descriptor process_;
    Descriptor socket_;
};
