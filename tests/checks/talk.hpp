// talk.hpp: a client of the server that is judged. Each method is a step of a conversation, and
// says what is wrong with the answer.
#pragma once

#include "diagnosis.hpp"
#include "finding.hpp"
#include "harness.hpp"
#include "tests/watch/texts.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lab
{

/// A client that is connected to the server that is judged.
class Talk
{
  public:
    /// Connects, as soon as the server listens. `quick`: does not wait for what may come behind an
    /// answer.
    explicit Talk(Server& server, bool quick = false);
    /// From now on this other client talks at the same time.
    void is_beside(const Talk& other) { others_.push_back(&other); }
    /// Leaves in good order. Peer::leave
    ~Talk() { leave(); }
    void leave()
    {
        if (peer_) {
            peer_->leave();
        }
    }
    Talk(Talk&&) noexcept = default;

    /// Failure if a connection could not be made.
    testing::AssertionResult is_connected();

    /// Expects the welcome, and nothing behind it.
    testing::AssertionResult is_welcomed();
    /// Sends a name and expects its greeting. `others` are names that other clients are sending.
    testing::AssertionResult is_greeted(const std::string& name,
                                        const std::vector<std::string>& others = {},
                                        const std::string& look_at = step::greeting);
    /// The second half of it: the greeting of a name that was sent before.
    testing::AssertionResult hears_greeting(const std::string& name,
                                            const std::vector<std::string>& others = {},
                                            const std::string& look_at = step::greeting);
    /// What should make the server close.
    enum Cause { by_exit, by_closing };
    /// Expects that the server closes, and sends nothing before that.
    testing::AssertionResult sees_the_end(Cause cause);
    /// Says that it leaves: so, or in the other way, where an earlier check has found that the
    /// server does not notice this one. How it did.
    Cause goes(Cause cause);
    /// The same, and sees the end.
    testing::AssertionResult leaves(Cause cause) { return sees_the_end(goes(cause)); }
    /// Expects that the server neither sends nor closes for so long.
    /// `if_closed` is for the end of the connection, where that has a cause of its own.
    testing::AssertionResult hears_nothing_for(Seconds time, const std::string& diagnosis,
                                               const std::string& if_closed = "");

    /// Closes this client's sending side.
    void half_close()
    {
        peer_->half_close();
        half_closed_ = true;
    }

    Peer& peer() { return *peer_; }
    std::string address() const { return peer_->address(); }
    const std::string& heard() const { return heard_; } ///< in the place of the last answer
    void say(const std::string& bytes)
    {
        if (!peer_) {
            return;
        }
        came_unasked_ = unanswered_ == 0 && peer_->has_news();
        peer_->say(bytes);
        ++unanswered_;
    }

    /// A failure with this diagnosis, and this answer.
    testing::AssertionResult fails(Finding finding);

    /// Where the server's calls leave the story in this conversation. `is_unanswered`: nothing has
    /// come for what this client has said.
    std::optional<Departure> departure(bool is_unanswered = false) const;
    /// How long it waited before the welcome and each answer, as far as its calls are seen.
    std::vector<Seconds> pauses() const;

  private:
    testing::AssertionResult hears(const std::string& expected, const std::string& look_at,
                                   const std::vector<std::string>& others);
    Sentence how_to_see_it() const;
    Sentence what_was_sent() const;

    Server& server_;
    bool quick_;
    std::vector<const Talk*> others_; ///< clients that talk at the same time
    bool half_closed_ = false;
    std::string heard_;
    std::size_t said_before_ = 0; ///< bytes on standard error when this client came
    std::size_t unanswered_ = 0;
    bool came_unasked_ = false; ///< something was there before the last message was sent
    std::optional<Peer> peer_;
};

/// What to type in the second terminal to see what a client sees that sends these messages, with
/// time for an answer behind each.
std::string by_hand(const std::vector<std::string>& messages);
inline std::string by_hand(const std::string& message)
{
    return by_hand(std::vector<std::string>{message});
}

} // namespace lab
