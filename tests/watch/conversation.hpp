// conversation.hpp: tcplink, the notebook's step 4, as states, and what a server may call in each
// of them for one client.
#pragma once

#include "departure.hpp"
#include "texts.hpp"

namespace lab
{

/// True for an option of setsockopt that changes when, and how much, is accepted, received or sent.
bool changes_what_passes(long option);

/// The conversation with one client, told by the calls on its socket.
class Conversation
{
  public:
    /// `accepted` is the place of the call of accept that returned the client.
    Conversation(const Calls& calls, std::size_t accepted, const Asked& asked);
    /// The first call that is not the story's; none if all are.
    std::optional<Departure> departure();

  private:
    bool is_of_this_client(const Call& call) const;
    /// Its answer, but on the screen.
    bool is_its_text(const Call& call) const;
    /// A thread that serves this client, or serves nobody yet, and uses another socket where this
    /// one's is due.
    bool is_astray(const Call& call) const;
    /// What is to be sent next.
    std::string due() const;
    static std::string step_of(State state);
    void depart(const Call& call, const std::string& then = "", const std::string& hint = "",
                const std::string& due_step = "");
    void depart_at_the_last();
    void nothing_more();
    /// The thread, or child, that was started when this client had come: it may serve it.
    void give_to_a_thread(Departure& departure) const;
    void take(const Call& call, std::size_t index);
    /// A recv that found nothing, where the thread then waits for more, in poll or by trying again.
    bool is_waiting_in_a_loop(const Call& call, std::size_t index) const;
    /// fork has copied each descriptor, and who called accept gives its own copy back.
    bool is_parents_copy(const Call& call);
    void sends(const Call& call);
    /// The sleep that the thread of this call made for this client before it; null without one.
    const Call* pause_before(const Call& call) const;
    void depart_from_pause(const Call& call, Seconds pause);
    void receives(const Call& call);
    /// The shutdown on this side that made this recv return nothing; null if it was the client.
    const Call* shut_from_here(const Call& received) const;
    void leaves(const Call& call);
    static constexpr std::size_t most_kept = 4000; ///< of a long answer, the trace has so much

    const Calls& calls_;
    const Call accepted_;
    std::size_t from_;
    Asked asked_;
    Clock::time_point since_;
    long listening_;
    State state_ = welcome_text().empty() ? State::receive : State::welcome;
    Calls before_;
    std::string message_;
    std::string sent_;
    int parts_ = 0;
    int answers_ = 0;
    pid_t thread_ = 0; ///< who serves this client
    pid_t process_ = 0;
    pid_t root_ = 0; ///< the process that listens
    long killed_by_ = 0;
    bool is_waiting_ = false;
    Call waits_in_;
    bool ended_early_ = false;
    bool has_shut_ = false;
    bool is_shared_by_loop_ = false;
    bool is_forked_ = false;
    bool parent_has_closed_ = false;
    std::optional<Departure> found_;
    std::optional<Departure> taken_besides_; ///< a second recv, before the first one was answered
};

} // namespace lab
