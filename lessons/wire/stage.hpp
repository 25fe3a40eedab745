// stage.hpp: where a scene is played: the programs in it, what they call, and what passes on the
// wire. packet(7), socket(7)
#pragma once

#include "packet.hpp"
#include "player.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>

/// True if one of these waits for clients.
bool has_listening(const std::vector<lab::ListedSocket>& sockets);

/// A call of a player's, on the clock that packets are stamped by.
struct WireCall : lab::Call {
    int player = 0;
    std::int64_t began = 0; ///< nanoseconds of CLOCK_REALTIME
    std::int64_t ended = 0;
};

/// Why a scene is over before its end, and what it would have shown next.
struct Ending {
    std::string why;
    std::string next;        ///< empty if nothing can be said of it
    bool is_silence = false; ///< nothing more came; otherwise something had to be stopped
};

class Stage
{
  public:
    /// `hosts` is 1, and all is on loopback; or 2, with a wire between them, where the server is
    /// 10.0.0.2.
    explicit Stage(int hosts);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    int hosts() const { return there_ ? 2 : 1; }

    /// Starts a program: on the left, or on the right, where the second host is, if there is one.
    Player& start(int side, std::string name, const std::vector<std::string>& words,
                  bool is_given = false);

    /// Watches the wire and the calls until `condition` holds. Throws an Ending when nothing more
    /// happens, or too much; `next` is what would have followed, as a sentence.
    void watch_until(const std::string& next, const std::function<bool()>& condition);
    /// The same, for the sockets in a server's network.
    void watch_sockets_until(
        const std::string& next, const Player& server,
        const std::function<bool(const std::vector<lab::ListedSocket>&)>& condition);
    /// Watches until nothing has happened for so long, and no player wants the processor.
    void watch_until_quiet(Seconds time);
    /// Watches until a server listens, and is ready; or has ended, or will not.
    void watch_until_listens(const Player& server);
    /// Watches until this player waits in a call of that name.
    void watch_until_waits_in(const Player& player, const std::string& call);
    void watch_until_ends(Player& player);
    /// True once a packet of this kind has been seen.
    bool has_seen(const std::function<bool(const Packet&)>& test) const;
    /// True if this player has told of a call on a socket.
    bool has_called(const Player& player) const;

    /// How long this has been played: the time in which the players rest, and that for which they
    /// have the processor, but not that in which they wait for one that others have.
    Seconds played() const { return played_; }

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
    void capture(const char* card);
    bool take_frame();
    void take_calls();
    void take_all();
    /// Throws an Ending if a player does what must not go on.
    void stop_what_is_endless();
    /// Lets `played_` go on, and says whether a player wants the processor.
    bool look_at_the_players();
    std::size_t seen() const { return frames.size() + steps_; }

    std::size_t steps_ = 0; ///< of the calls: begun, or returned
    /// From the clock of calls to that of packets.
    const std::int64_t clock_offset_ =
        clock() - std::chrono::nanoseconds(lab::Clock::now().time_since_epoch()).count();
    Descriptor here_;                 ///< this network
    std::optional<Descriptor> there_; ///< the second host's network
    int capture_ = -1;
    bool is_loopback_ = false;
    Seconds played_{0};
    std::chrono::steady_clock::time_point looked_ = std::chrono::steady_clock::now();
    long ticks_ = 0; ///< hundredths of a second: CPU time of all players when that was
};
