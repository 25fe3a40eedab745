#include "stage.hpp"
#include "tcp_state.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>

namespace
{

int open_network() { return ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC); }
void enter(int network)
{
    if (::setns(network, CLONE_NEWNET) == -1) {
        throw_errno("setns");
    }
}

constexpr Seconds silence{3};               ///< so long nothing happens: nothing more will
constexpr Seconds longest{15};              ///< a scene
constexpr std::size_t too_much = 2000;      ///< calls and segments
constexpr std::size_t too_loud = 256 << 10; ///< bytes printed

/// An address as /proc/net/tcp writes it: words of four bytes, as this machine has them in memory.
std::string address_in(const std::string& hex)
{
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < words.size() && 8 * i < hex.size(); ++i) {
        words.at(i) = static_cast<std::uint32_t>(std::stoul(hex.substr(8 * i, 8), nullptr, 16));
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(hex.size() == 8 ? AF_INET : AF_INET6, words.data(), text.data(), text.size());
    return text.data();
}

} // namespace

Stage::Stage(Household& household, int hosts) : household_(household), here_(open_network(), "open")
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
    take_calls(); // of another stage: they are not for this one
    calls.clear();
}

Stage::~Stage()
{
    for (Player& player : players) {
        stop(player);
    }
    ::close(capture_);
    enter(here_);
}

Player& Stage::start(int side, std::string name, const std::vector<std::string>& words,
                     bool is_given)
{
    Player& player = players.emplace_back();
    player.number = static_cast<int>(players.size()) - 1;
    player.side = side;
    player.name = std::move(name);
    player.is_given = is_given;
    const auto and_before = [](const char* variable, char separator) {
        const char* value = std::getenv(variable);
        return value != nullptr && *value != '\0' ? separator + std::string(value) : "";
    };
    const bool is_there = side == 1 && there_;
    if (is_there) {
        enter(*there_);
    }
    ::start(player, words,
            {{wire_variable, household_.path_of_calls() + " " + std::to_string(player.number)},
             {"LD_PRELOAD", household_.path_of_shim() + and_before("LD_PRELOAD", ':')},
             {"ASAN_OPTIONS", "verify_asan_link_order=0" + and_before("ASAN_OPTIONS", ':')},
             {"PYTHONUNBUFFERED", "1"}});
    if (is_there) {
        enter(here_);
    }
    return player;
}

void Stage::watch_until_listens(const Player& server)
{
    try {
        watch_sockets_until("", server, [&](const std::vector<ListedSocket>& sockets) {
            return server.has_ended || has_listening(sockets);
        });
    } catch (const Ending& ending) {
        if (!ending.is_silence) {
            throw;
        }
    }
    watch_until_quiet(Seconds(0.05)); // now it waits in accept, or will not
}

void Stage::watch_sockets_until(
    const std::string& next, const Player& server,
    const std::function<bool(const std::vector<ListedSocket>&)>& condition)
{
    using Clock = std::chrono::steady_clock;
    std::size_t before = seen();
    Clock::time_point looked; // long ago
    watch_until(next, [&] {   // the list takes long to read
        const Seconds rest(before == seen() ? 0.1 : 0.02);
        if (Clock::now() - looked < rest) {
            return false;
        }
        before = seen();
        looked = Clock::now();
        return condition(sockets_of(server.has_ended ? 0 : server.pid));
    });
}

void Stage::watch_until_waits_in(const Player& player, const std::string& call)
{
    watch_until(player.name + " would have waited in " + call + ".", [&] {
        return std::any_of(calls.begin(), calls.end(), [&](const WireCall& each) {
            return each.player == player.number && each.name == call && !each.has_returned;
        });
    });
}

void Stage::watch_until_ends(Player& player)
{
    watch_until(player.name + " would have ended.", [&] { return player.has_ended; });
}

bool Stage::has_seen(const std::function<bool(const Packet&)>& test) const
{
    return std::any_of(frames.begin(), frames.end(),
                       [&](const Frame& frame) { return test(Packet(frame)); });
}

bool Stage::has_called(const Player& player) const
{
    return std::any_of(calls.begin(), calls.end(),
                       [&](const WireCall& call) { return call.player == player.number; });
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
    while (::read(household_.calls(), &call, sizeof call) == static_cast<ssize_t>(sizeof call)) {
        calls.push_back(call);
    }
}

void Stage::take_all()
{
    while (take_frame()) {
    }
    take_calls();
    for (Player& player : players) {
        const bool had_ended = player.has_ended;
        attend_to(player);
        const bool is_usual =
            player.side == 0 && player.status == 0 && (has_called(player) || !frames.empty());
        if (player.has_ended && !had_ended && player.is_given && !is_usual) {
            note(player, player.fate());
        }
    }
}

void Stage::stop_what_is_endless()
{
    if (household_.is_overrun()) {
        std::string who = players.size() == 1 ? players.front().name : "";
        const auto is_given = [](const Player& player) { return player.is_given; };
        if (who.empty() && std::count_if(players.begin(), players.end(), is_given) == 1) {
            who = std::find_if(players.begin(), players.end(), is_given)->name;
        }
        for (Player& player : players) {
            stop(player);
            player.was_stopped = true;
        }
        throw Ending{(who.empty() ? "One of the programs" : who) +
                         " started processes or threads without end, over " +
                         std::to_string(Household::too_many) + ", and was stopped.",
                     ""};
    }
    for (Player& player : players) {
        if (player.printed > too_loud && !player.has_ended) {
            stop(player);
            throw Ending{player.name + " printed without end, over " +
                             std::to_string(too_loud >> 10) + " KiB, and was stopped.",
                         ""};
        }
    }
    if (seen() > too_much) {
        throw Ending{"It went on without end, and was stopped after " + std::to_string(too_much) +
                         " calls and segments.",
                     ""};
    }
}

bool Stage::look_at_the_players()
{
    const auto now = std::chrono::steady_clock::now();
    const Work work = work_of(players);
    const Seconds passed = now - looked_;
    const Seconds used(static_cast<double>(std::max(work.ticks - ticks_, 0L)) / 100);
    played_ += work.is_wanted ? std::min(used, passed) : passed;
    ticks_ = work.ticks;
    looked_ = now;
    return work.is_wanted;
}

void Stage::watch_until(const std::string& next, const std::function<bool()>& condition)
{
    using Clock = std::chrono::steady_clock;
    look_at_the_players();
    const auto begin = Clock::now();
    const Seconds start = played_;
    Seconds last = played_; // when nothing had come for a while
    std::size_t before = seen();
    for (;;) {
        pollfd sources[2] = {{capture_, POLLIN, 0}, {household_.calls(), POLLIN, 0}};
        ::poll(sources, 2, 10);
        take_all();
        stop_what_is_endless();
        if (condition()) {
            return;
        }
        if (Clock::now() - looked_ > Seconds(0.3)) {
            const bool is_starting =
                look_at_the_players() && !players.back().has_ended && !has_called(players.back());
            last = std::exchange(before, seen()) != seen() || is_starting ? played_ : last;
        }
        if (played_ - last > silence) {
            throw Ending{"Nothing more came for 3 seconds, and the wire gave up waiting.", next,
                         true};
        }
        if (played_ - start > longest || Clock::now() - begin > 8 * longest) {
            throw Ending{"The scene took longer than 15 seconds, and the wire gave up waiting.",
                         next, true};
        }
    }
}

void Stage::watch_until_quiet(Seconds time)
{
    auto last = std::chrono::steady_clock::now();
    std::size_t before = seen();
    try {
        watch_until("", [&] {
            const auto now = std::chrono::steady_clock::now();
            last = std::exchange(before, seen()) != seen() ? now : last;
            return now - last >= time && now - looked_ >= Seconds(0.03) && !look_at_the_players();
        });
    } catch (const Ending& ending) {
        if (!ending.is_silence) { // else somebody is at work, and it does not show
            throw;
        }
    }
}

bool has_listening(const std::vector<ListedSocket>& sockets)
{
    return std::any_of(sockets.begin(), sockets.end(),
                       [](const ListedSocket& socket) { return socket.state == "LISTEN"; });
}

std::vector<ListedSocket> sockets_of(pid_t pid)
{
    std::vector<ListedSocket> found;
    const std::string process = pid == 0 ? "self" : std::to_string(pid);
    for (const char* table : {"tcp", "tcp6"}) {
        std::ifstream file("/proc/" + process + "/net/" + table);
        std::string line;
        std::getline(file, line); // the headings
        while (std::getline(file, line)) {
            ListedSocket socket;
            unsigned state = 0;
            char address[33] = "";
            if (std::sscanf(line.c_str(),
                            " %*d: %32[^:]:%x %*32[^:]:%x %x %*x:%x %*s %*s %*d %*d %lu", address,
                            &socket.port, &socket.peer, &state, &socket.unread,
                            &socket.inode) == 6) {
                socket.address = address_in(address);
                socket.state = state_name(static_cast<int>(state));
                found.push_back(socket);
            }
        }
    }
    return found;
}
