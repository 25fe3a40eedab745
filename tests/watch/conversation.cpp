// conversation.cpp: tcplink, the notebook's step 4, as states, and what a server may call in each
// of them for one client.
#include "departure.hpp"

#include <algorithm>
#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace lab
{
namespace
{

using Calls = std::vector<Call>;

constexpr Seconds late{0.4};    ///< a server is busy at times, but not for so long
constexpr double most_of = 0.8; ///< a pause of which so much is kept

/// True for an option of setsockopt that changes when, and how much, is received, sent or closed.
bool changes_what_passes(long option)
{
    const auto is = [&](long level, long number) { return option == level * 1000 + number; };
    return is(SOL_SOCKET, SO_LINGER) || is(SOL_SOCKET, SO_RCVLOWAT) ||
           is(SOL_SOCKET, SO_RCVTIMEO) || is(SOL_SOCKET, SO_SNDTIMEO) ||
           is(IPPROTO_TCP, TCP_CORK) || is(IPPROTO_TCP, TCP_DEFER_ACCEPT);
}

/// The conversation with one client, told by the calls on its socket.
class Conversation
{
  public:
    Conversation(const Calls& calls, std::size_t accepted, const Asked& asked)
        : calls_(calls), accepted_(calls[accepted]), from_(accepted + 1), asked_(asked),
          since_(accepted_.end), listening_(accepted_.socket)
    {
        for (const Call& call : calls) {
            const bool is_on_it = call.socket == listening_ || call.socket == accepted_.client;
            if (call.kind == "option" && is_on_it && changes_what_passes(call.option)) {
                before_.push_back(call);
            }
            root_ = call.kind == "listen" ? call.process : root_;
            killed_by_ = call.kind == "killed" && call.process == root_ ? call.result : killed_by_;
            is_shared_by_loop_ =
                is_shared_by_loop_ || (call.kind == "poll" && call.thread == accepted_.thread);
            is_forked_ = is_forked_ ||
                         (call.socket == accepted_.client && call.process != accepted_.process);
        }
        before_.push_back(accepted_);
    }

    std::optional<Departure> departure()
    {
        for (std::size_t i = from_; i < calls_.size() && !found_; ++i) {
            const bool is_the_end = (calls_[i].kind == "exit" && calls_[i].thread == thread_) ||
                                    (calls_[i].kind == "signal" && calls_[i].result == killed_by_);
            if (is_the_end && calls_[i].process == root_ &&
                (state_ != State::over || calls_[i].thread == thread_)) {
                depart(calls_[i], "{call}, and with it the whole program ends");
            } else if (is_of_this_client(calls_[i])) {
                take(calls_[i], i);
            } else if (is_astray(calls_[i])) {
                depart(calls_[i], calls_[i].socket == listening_ ? "{call}, on the listening socket"
                                                                 : "{call}, on another socket");
            }
        }
        if (!found_ && is_waiting_ && asked_.is_unanswered) {
            before_.pop_back(); // which is that call
            depart(waits_in_, "{call}, and waits, though the client has sent something");
        }
        const bool is_passed_over =
            is_shared_by_loop_ && state_ == State::receive && asked_.is_unanswered;
        if (!found_ && is_passed_over && !is_waiting_) {
            nothing_more();
            found_->then = "nothing more for this client, though it has sent something";
        }
        const bool is_looked_after =
            is_waiting_ || (is_shared_by_loop_ && state_ == State::receive);
        if (!found_ && state_ != State::over && !is_looked_after) {
            parts_ > 0 ? depart_at_the_last() : nothing_more();
        } else if (!found_ && is_forked_ && state_ == State::over && !parent_has_closed_) {
            nothing_more();
            found_->then = "close is not called in the process that called accept";
            found_->hint =
                "fork copies each descriptor: a connection ends when all copies are closed.";
        }
        return found_;
    }

  private:
    bool is_of_this_client(const Call& call) const
    {
        if (call.socket == accepted_.client && call.kind != "accept" && call.kind != "option") {
            return true;
        }
        const bool is_its_thread = call.thread == thread_ && call.thread != accepted_.thread;
        return is_its_thread &&
               (call.kind == "sleep" || call.kind == "exit" || is_its_text(call)) &&
               state_ != State::over;
    }

    /// Its answer, but on the screen.
    bool is_its_text(const Call& call) const
    {
        const std::string text = due();
        return call.kind == "print" && !text.empty() && call.data.find(text) != std::string::npos;
    }

    /// A thread that serves this client, or serves nobody yet, and uses another socket where this
    /// one's is due.
    bool is_astray(const Call& call) const
    {
        const bool owes = state_ == State::welcome || state_ == State::answer;
        if (state_ == State::leave && call.kind == "close") {
            return call.thread == thread_ && call.socket == listening_;
        }
        const bool is_its_thread =
            thread_ != 0 ? call.thread == thread_ : call.begin > accepted_.end;
        const bool is_wrong = call.socket == listening_ || (call.socket == 0 && call.result < 0);
        return owes && is_its_thread && call.thread != accepted_.thread &&
               (call.kind == "send" || call.kind == "recv") && is_wrong;
    }

    /// What is to be sent next.
    std::string due() const
    {
        return state_ == State::welcome  ? "Welcome!"
               : state_ == State::answer ? "Hello, " + message_ + "!"
                                         : "";
    }
    static std::string step_of(State state)
    {
        return state == State::welcome   ? step::welcome
               : state == State::receive ? step::recv
               : state == State::answer  ? step::greeting
                                         : step::leave;
    }

    void depart(const Call& call, const std::string& then = "", const std::string& hint = "",
                const std::string& due_step = "")
    {
        Departure departure;
        departure.before = before_;
        departure.client = accepted_.port;
        departure.call = call;
        departure.then = !then.empty()                              ? then
                         : call.has_returned || call.kind == "exit" ? "{call}"
                                                                    : "{call}, and waits";
        departure.due = due_step.empty() ? step_of(state_) : due_step;
        departure.hint = !hint.empty() ? hint : hint_for_itself(call);
        if (departure.hint.empty()) {
            departure.hint = hint_for(state_, call, answers_ > 0);
        }
        found_ = departure;
    }

    void depart_at_the_last()
    {
        const Call last = before_.back();
        before_.pop_back();
        depart(last);
    }

    void nothing_more()
    {
        Departure departure;
        departure.before = before_;
        departure.client = accepted_.port;
        departure.then = "nothing more for this client";
        departure.due = step_of(state_);
        departure.hint = state_ == State::leave
                             ? "The loop has been left, and close is not called behind it."
                             : "";
        if (thread_ != 0 && !is_shared_by_loop_) { // what a loop waits in is not for this client
            departure.process = process_;
            departure.thread = thread_;
        } else if (thread_ == 0) {
            give_to_a_thread(departure);
        }
        found_ = departure;
    }

    /// The thread, or child, that was started when this client had come: it may serve it.
    void give_to_a_thread(Departure& departure) const
    {
        for (std::size_t i = from_; i < calls_.size(); ++i) {
            const Call& call = calls_[i];
            const bool is_acceptors = call.thread == accepted_.thread;
            if (is_acceptors && (call.kind == "thread" || call.kind == "fork")) {
                departure.thread = static_cast<pid_t>(call.client);
                departure.process = call.kind == "fork" ? departure.thread : call.process;
            }
            if (is_acceptors && (call.kind == "accept" || departure.thread != 0)) {
                break; // for the next one
            }
        }
        if (departure.thread == 0 && !is_shared_by_loop_) {
            departure.then = "nothing more for this client: no thread was started for it";
        }
    }

    void take(const Call& call, std::size_t index)
    {
        if (is_waiting_in_a_loop(call, index) || is_parents_copy(call)) {
            return;
        }
        if (call.kind != "sleep" && call.kind != "print") {
            thread_ = call.thread;
            process_ = call.process;
        }
        switch (state_) {
        case State::welcome:
        case State::answer:
            sends(call);
            break;
        case State::receive:
            receives(call);
            break;
        case State::leave:
            leaves(call);
            break;
        case State::over:
            return;
        }
        if (!found_) {
            before_.push_back(call);
        }
    }

    /// A recv that found nothing, where the thread then waits for more, in poll or by trying again.
    bool is_waiting_in_a_loop(const Call& call, std::size_t index) const
    {
        if (call.kind != "recv" || call.result != -EAGAIN ||
            (call.waits && (call.flags & MSG_DONTWAIT) == 0)) {
            return call.kind == "recv" && call.result == -EINTR;
        }
        const auto next =
            std::find_if(calls_.begin() + static_cast<long>(index) + 1, calls_.end(),
                         [&](const Call& other) { return other.thread == call.thread; });
        return next == calls_.end() || next->kind == "poll" || next->kind == "accept" ||
               next->kind == "recv" || is_shared_by_loop_ || state_ == State::answer;
    }

    /// fork has copied each descriptor, and who called accept gives its own copy back.
    bool is_parents_copy(const Call& call)
    {
        const bool is_copy = is_forked_ && call.process == accepted_.process &&
                             (call.kind == "close" || call.kind == "shutdown");
        parent_has_closed_ = parent_has_closed_ || is_copy;
        return is_copy;
    }

    void sends(const Call& call)
    {
        const std::string text = due();
        if (call.kind == "sleep") {
            if (state_ == State::welcome) {
                depart(call);
            }
            return;
        }
        if (call.kind == "recv" && state_ == State::answer &&
            (!call.waits || (call.flags & MSG_DONTWAIT) != 0)) {
            ended_early_ = ended_early_ ||
                           call.result == 0; // an event loop may see the end before it has answered
            message_ += call.result > 0 ? call.data : "";
            return;
        }
        if (call.kind != "send") {
            const bool is_an_end = call.kind == "close" || call.kind == "shutdown";
            if (parts_ > 0) {
                depart_at_the_last(); // a part of the answer, and no more
            } else {
                depart(call, "",
                       is_an_end && ended_early_
                           ? "The client has ended its sending side, and no more: what it sent "
                             "before is answered, and only then is the connection closed. (In "
                             "Node, allowHalfOpen: true.)"
                           : "");
            }
            return;
        }
        if (state_ == State::welcome) {
            if (const Call* slept = pause_before(call)) {
                depart(*slept);
                return;
            }
        }
        if (call.result == -EPIPE || call.result == -ECONNRESET) {
            state_ = State::leave;
            return;
        }
        if (call.result < 0 || call.data.empty() || (call.flags & MSG_MORE) != 0) {
            depart(call);
            return;
        }
        const Seconds pause = call.begin - since_;
        sent_ += call.data.substr(0, static_cast<std::size_t>(call.result));
        if (sent_.size() < text.size() && text.starts_with(sent_)) {
            if (parts_++ > 0 && call.result == static_cast<long>(call.data.size())) {
                depart(call, "",
                       "The answer is sent in pieces: put it together, and send it in one.");
            }
            return;
        }
        if (sent_.substr(0, most_kept) != text.substr(0, most_kept)) {
            depart(call);
        } else if (parts_ > 0 && sent_.size() > call.data.size()) {
            depart(call, "", "The answer is sent in pieces: put it together, and send it in one.");
        } else if (state_ == State::answer &&
                   (pause < asked_.delay * most_of || pause > asked_.delay + late)) {
            depart_from_pause(call, pause);
        }
        answers_ += state_ == State::answer ? 1 : 0;
        parts_ = 0;
        sent_.clear();
        state_ = ended_early_ ? State::leave : State::receive;
    }

    /// The sleep that the thread of this call made for this client before it; null without one.
    const Call* pause_before(const Call& call) const
    {
        const Call* slept = nullptr;
        for (const Call& other : calls_) {
            const bool is_before = other.begin > accepted_.end && other.begin < call.begin;
            if (other.thread == call.thread && is_before) {
                const bool is_for_another = other.kind == "send" || other.kind == "recv";
                slept = other.kind == "sleep" ? &other : is_for_another ? nullptr : slept;
            }
        }
        return slept;
    }

    void depart_from_pause(const Call& call, Seconds pause)
    {
        const bool has_slept = before_.back().kind == "sleep";
        if (pause > asked_.delay && has_slept && before_.back().pause < asked_.delay * 1.2) {
            return; // the machine was busy
        }
        depart(call, "{call}, {count} seconds after recv had returned", "", step::pause);
        found_->places = {{"count", std::to_string(pause.count()).substr(0, 4)}};
    }

    void receives(const Call& call)
    {
        if (call.kind == "sleep" && call.has_returned) {
            return depart(call, "", "", step::pause);
        }
        if (call.kind != "recv") {
            return depart(call);
        }
        if (!call.has_returned) {
            is_waiting_ = (call.flags & MSG_WAITALL) == 0;
            waits_in_ = call;
            return is_waiting_ ? void() : depart(call);
        }
        const bool is_odd = call.size == 0 || (call.flags & (MSG_PEEK | MSG_WAITALL)) != 0;
        if (is_odd || (call.result < 0 && call.result != -ECONNRESET)) {
            return depart(call);
        }
        message_ = call.result > 0 ? call.data : "";
        since_ = call.end;
        ended_early_ = false;
        state_ = message_.empty() || message_ == "exit" ? State::leave : State::answer;
    }

    void leaves(const Call& call)
    {
        const auto is_hard = [](const Call& other) { // {1, 0}: close sends a reset
            return other.kind == "option" && other.option == SOL_SOCKET * 1000 + SO_LINGER &&
                   other.size != 0 && other.pause == Seconds(0);
        };
        const auto hard = std::find_if(before_.begin(), before_.end(), is_hard);
        if (call.kind == "close" && hard != before_.end()) {
            return depart(
                Call(*hard), "",
                "SO_LINGER with a time of 0 seconds makes close send a reset (RST), where "
                "an end (FIN) is due.");
        }
        if (call.kind == "close" || (call.kind == "exit" && call.process != root_)) {
            state_ = State::over;
        } else if (call.kind == "shutdown") {
            has_shut_ = true;
        } else if (call.kind != "sleep" && !(call.kind == "recv" && has_shut_)) {
            depart(call);
        }
    }

    static constexpr std::size_t most_kept = 4000; ///< of a long answer, the trace has so much

    const Calls& calls_;
    const Call accepted_;
    std::size_t from_;
    Asked asked_;
    Clock::time_point since_;
    long listening_;
    State state_ = State::welcome;
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
};

} // namespace

std::optional<Departure> departure_of_conversation(const std::vector<Call>& calls,
                                                   std::size_t accepted, const Asked& asked)
{
    return Conversation(calls, accepted, asked).departure();
}

} // namespace lab
