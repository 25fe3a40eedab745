// talk.hpp: a client of the server that is judged. Each method is a step of a conversation, and
// says what is wrong with the answer.
#pragma once

#include "diagnosis.hpp"
#include "finding.hpp"
#include "harness.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lab
{

/// The lines of the notebook that a finding points at.
namespace step
{
inline const std::string socket =
    "steps 1 and 2: s = socket.socket(...) and s.bind(('127.0.0.1', 9999))";
inline const std::string listen = "step 3: s.listen(5) and print('Waiting for connection...')";
inline const std::string accept =
    "step 4, the loop: sock, addr = s.accept(), and then a new thread for this client";
inline const std::string welcome = "step 4, tcplink: sock.send(b'Welcome!'), before the loop";
inline const std::string recv = "step 4, tcplink: data = sock.recv(1024)";
inline const std::string greeting =
    "step 4, tcplink: sock.send(('Hello, %s!' % data.decode('utf-8')).encode('utf-8'))";
inline const std::string pause = "step 4, tcplink: time.sleep(1), between recv and the answer";
inline const std::string leave =
    "step 4, tcplink: if not data or data.decode('utf-8') == 'exit': break, and then sock.close()";
inline const std::string lines =
    "step 4, tcplink: the first line and the last one, print(... % addr)";
} // namespace step

/// A client that is connected to the server that is judged.
class Talk
{
  public:
    /// Connects, as soon as the server listens. `quick`: does not wait for what may come behind an
    /// answer.
    explicit Talk(Server& server, bool quick = false);
    /// From now on this other client talks at the same time: that is the cause if this one gets no
    /// answer.
    void is_beside(Talk& other) { others_.push_back(&other); }
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
    /// Expects that the server closes, and sends nothing before that. `others` are clients that are
    /// connected and silent meanwhile.
    testing::AssertionResult sees_the_end(Cause cause, int others = 0);
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

  private:
    testing::AssertionResult hears(const std::string& expected, const std::string& look_at,
                                   const std::vector<std::string>& others);
    std::string why_silent(const std::string& expected);
    std::string why_silent_beside_others(const std::string& expected);
    std::string why_closed(const std::string& expected);
    std::string why_not_the_end(const std::string& received, int others);
    std::string what_is_taken_for_exit();
    std::string why_no_welcome();
    std::string what_brings_it(const std::string& expected);
    std::string what_it_waits_in(bool welcome);
    std::string how_it_goes_on(const Exchange& exchange);
    std::string how_to_see_it() const;
    std::string what_comes(Seconds limit);
    std::string what_was_sent() const;

    Server& server_;
    bool quick_;
    std::vector<Talk*> others_; ///< clients that talk at the same time
    bool half_closed_ = false;
    std::size_t said_before_ = 0; ///< bytes on standard error when this client came
    std::size_t unanswered_ = 0;
    bool came_unasked_ = false; ///< something was there before the last message was sent
    std::optional<Peer> peer_;
};

/// If a server's output says that one client has left twice, why that may be; otherwise nothing.
std::string served_on(const std::string& out);

/// For a server that does not serve a client while another one is connected: why.
std::string why_one_at_a_time(const Server& server);

/// What to type in the second terminal to see what a client sees that sends these messages, with
/// time for an answer behind each.
std::string by_hand(const std::vector<std::string>& messages);
inline std::string by_hand(const std::string& message)
{
    return by_hand(std::vector<std::string>{message});
}

} // namespace lab
