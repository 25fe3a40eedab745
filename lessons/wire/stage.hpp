// stage.hpp: where a scene is played: the programs in it, what they call, and what passes on the
// wire. packet(7), socket(7)
#pragma once

#include "call.hpp"
#include "network.hpp"
#include "packet.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>

/// A program on the stage. Its end is the object's, and the other way round.
struct Player {
    pid_t pid = -1;
    int side = 0; ///< of the page: 0 left, 1 right
    std::string name;
    bool has_ended = false;
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

    /// Starts a program: on the left, or on the right, where the second host is, if there is one.
    Player& start(int side, std::string name, std::vector<std::string> words);
    static void stop(Player& player);

    /// Watches the wire and the calls until `condition` holds. Throws after ten seconds.
    void watch_until(const std::string& what, const std::function<bool()>& condition);
    /// Watches until nothing has happened for so long.
    void watch_until_quiet(Seconds time);
    /// Watches until this player waits in a call of that name.
    void watch_until_waits_in(const Player& player, const std::string& call);
    void watch_until_ends(Player& player);
    /// True once a packet of this kind has been seen.
    bool has_seen(const std::function<bool(const Packet&)>& test) const;

    /// The descriptor with which a player made such a call.
    int descriptor_of(const Player& player, const std::string& call) const;
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
    void capture(const char* card);
    bool take_frame();
    void take_calls();

    Descriptor here_;                 ///< this network
    std::optional<Descriptor> there_; ///< the second host's network
    int capture_ = -1;
    bool is_loopback_ = false;
    int calls_[2] = {-1, -1};
};
