// dialogue.hpp: what one client and the server have said to each other, put together from the
// segments, and what the notebook's programs would have said next.
#pragma once

#include "packet.hpp"

#include <array>
#include <map>
#include <string>
#include <vector>

class Dialogue
{
  public:
    /// Follows the first client that came to the server at `port`.
    Dialogue(const std::vector<Frame>& frames, std::uint32_t port);

    bool was_begun() const { return client_port_ != 0; }
    bool was_answered() const { return has_synced_[1]; } ///< the server's SYN has come
    bool was_reset() const { return is_reset_by_ != -1; }
    std::string said(int side) const;
    /// When a side has sent bytes for the last time, in nanoseconds; 0 for never.
    std::int64_t last_sent(int side) const { return last_sent_.at(static_cast<std::size_t>(side)); }

    /// The first thing that the server did otherwise than the notebook's, as a sentence; empty if
    /// there is none.
    std::string difference() const;
    /// What would have come next, as a sentence; empty if it was over. `client` says that the
    /// client is the notebook's, too.
    std::string next(bool client) const;

  private:
    /// How much of what the server said is right; and of what the client said, answered.
    struct Answers {
        std::size_t right = 0;
        std::size_t whole = 0; ///< of it, without an answer that is not all there
        std::size_t answered = 0;
    };
    Answers answers() const;
    /// What the server still has to say, or nothing.
    std::string due() const;

    std::uint32_t client_port_ = 0;
    std::array<bool, 2> has_synced_ = {};
    std::array<bool, 2> has_ended_ = {}; ///< FIN was sent
    std::array<std::uint32_t, 2> first_ = {};
    std::array<std::int64_t, 2> last_sent_ = {};
    std::array<std::map<std::uint32_t, std::string>, 2> pieces_; ///< by their place in the stream
    int is_reset_by_ = -1;
    bool was_ended_before_reset_ = false;
};
