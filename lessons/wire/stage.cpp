#include "stage.hpp"
#include "tests/watch/network.hpp"

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

constexpr Seconds silence{3};          ///< so long nothing happens: nothing more will
constexpr Seconds longest{15};         ///< a scene
constexpr std::size_t too_much = 2000; ///< calls and segments

void must(bool done)
{
    if (!done) {
        throw_errno("a network card");
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
        must(lab::switch_card("lo", true));
        enter(here_);
        join("wire0", "wire1", *there_);
        enter(*there_);
        set_address("wire1", "10.0.0.2");
        must(lab::switch_card("wire1", true));
        enter(here_);
        set_address("wire0", "10.0.0.1");
        must(lab::switch_card("wire0", true));
    }
    capture(hosts == 2 ? "wire0" : "lo");
}

Stage::~Stage()
{
    for (Player& player : players) {
        player.stop();
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
    const bool is_there = side == 1 && there_;
    if (is_there) {
        enter(*there_);
    }
    player.program = std::make_unique<lab::Program>(command_of(words));
    if (is_there) {
        enter(here_);
    }
    return player;
}

void Stage::watch_until_listens(const Player& server)
{
    try {
        watch_sockets_until("", server, [&](const std::vector<lab::ListedSocket>& sockets) {
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
    const std::function<bool(const std::vector<lab::ListedSocket>&)>& condition)
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
        return condition(lab::sockets_of(server.has_ended ? 0 : server.pid()));
    });
}

void Stage::watch_until_waits_in(const Player& player, const std::string& call)
{
    if (player.program->trace() == nullptr) { // its calls are not seen
        watch_until_quiet(Seconds(0.05));
        return;
    }
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
    return std::any_of(calls.begin(), calls.end(), [&](const WireCall& call) {
        return call.player == player.number && call.is_inet;
    });
}

void Stage::take_calls()
{
    std::size_t steps = 0;
    for (const Player& player : players) {
        steps += player.program->trace() != nullptr ? player.program->trace()->steps() : 0;
    }
    if (std::exchange(steps_, steps) == steps) {
        return;
    }
    calls.clear();
    for (const Player& player : players) {
        for (const lab::Call& call : player.program->calls()) {
            const auto time = [&](lab::Clock::time_point point) {
                return std::chrono::nanoseconds(point.time_since_epoch()).count() + clock_offset_;
            };
            calls.push_back({call, player.number, time(call.begin), time(call.end)});
        }
    }
    std::stable_sort(calls.begin(), calls.end(), [](const WireCall& one, const WireCall& other) {
        return one.began < other.began;
    });
}

void Stage::take_all()
{
    while (take_frame()) {
    }
    take_calls();
    for (Player& player : players) {
        if (player.has_ended || !player.program->has_ended()) {
            continue;
        }
        take_calls(); // its last ones
        player.has_ended = true;
        const bool is_usual = player.side == 0 && player.program->status() == 0 &&
                              (has_called(player) || !frames.empty());
        if (player.is_given && !is_usual) {
            note(player, player.fate());
        }
    }
}

void Stage::stop_what_is_endless()
{
    for (Player& player : players) {
        const lab::Trace* trace = player.program->trace();
        const bool starts = trace != nullptr && trace->started() > Player::too_many;
        if (!player.has_ended && (starts || player.program->prints_without_end())) {
            player.stop();
            throw Ending{player.name +
                             (starts ? " started processes or threads without end, over " +
                                           std::to_string(Player::too_many)
                                     : " printed without end, over " +
                                           std::to_string(Player::too_loud >> 10) + " KiB") +
                             ", and was stopped.",
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
    long ticks = 0;
    bool is_wanted = false;
    for (const Player& player : players) {
        const lab::Activity activity = lab::activity_of(player.pid());
        ticks += activity.ticks;
        is_wanted = is_wanted || activity.runs;
    }
    const Seconds passed = now - looked_;
    const Seconds used(static_cast<double>(std::max(ticks - ticks_, 0L)) / 100);
    played_ += is_wanted ? std::min(used, passed) : passed;
    ticks_ = ticks;
    looked_ = now;
    return is_wanted;
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
        pollfd wire{capture_, POLLIN, 0};
        ::poll(&wire, 1, 5); // calls do not wake it
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

bool has_listening(const std::vector<lab::ListedSocket>& sockets)
{
    return std::any_of(sockets.begin(), sockets.end(),
                       [](const lab::ListedSocket& socket) { return socket.state == "LISTEN"; });
}
