// ladder.hpp: what happened between one client and the server, in order: calls, segments, and the
// states that follow from them.
#pragma once

#include "stage.hpp"
#include "tcp_state.hpp"

#include <array>
#include <set>
#include <tuple>

/// A line of the page.
struct Row {
    enum class Kind { call, segment };
    Kind kind = Kind::call;
    std::int64_t time = 0; ///< nanoseconds of CLOCK_REALTIME
    int side = 0;          ///< who called, or sent: 0 the client, 1 the server
    std::string text;
    /// Of each side's socket, where it changes; in brackets where it is not asked for, but follows
    /// from the segment.
    std::array<std::string, 2> state;
    bool is_lost = false;
    bool is_for_nobody = false; ///< a call of the server that belongs to no client
};

/// The port that the client comes to: the first segment's, or the notebook's.
std::uint32_t server_port(const std::vector<Frame>& frames);

/// Makes the rows. With several clients, each has a ladder of its own.
class Ladder
{
  public:
    /// `client` is the player on the left, and `port` the server's. Calls of the server that are
    /// for nobody yet stand in the first client's ladder.
    Ladder(const Stage& stage, const Player& client, std::uint32_t port);
    const std::vector<Row>& rows() const { return rows_; }

  private:
    enum Order { begins, passes, returns };
    struct Entry {
        Row row;
        Order order = begins;
        const Frame* frame = nullptr; ///< of a segment
    };

    int side_of(const WireCall& call) const;
    bool is_mine(const WireCall& call) const;
    /// True for a socket that is made and closed, and nothing else, before another: a language's
    /// machinery tries what the system has.
    bool is_trial(std::size_t i) const;
    void add_call(std::size_t i);
    void add_frame(const Frame& frame);
    /// Says what a frame is, and follows both ends' states through it.
    void describe(Entry& entry);
    /// A state that was asked for is shown when it is another than the last time.
    void show_once(Row& row);
    /// What remains in the end, says the system: the side that closed first waits.
    void add_end();

    const Stage& stage_;
    int client_; ///< its number
    std::uint32_t port_;
    std::uint32_t client_port_ = 0; ///< 0 if there is only one
    bool is_first_;
    std::vector<Entry> entries_;
    std::vector<Row> rows_;
    std::array<TcpState, 2> ends_ = {TcpState("CLOSED"), TcpState("LISTEN")};
    std::array<std::string, 2> asked_;
    std::array<std::uint32_t, 2> first_ = {};
    std::size_t last_syn_ = 0; ///< the row of the client's latest SYN
    std::set<std::tuple<int, std::uint32_t, std::size_t>> sent_; ///< by side, sequence and length
};
