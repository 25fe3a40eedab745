// conversation.cpp: which calls are for a client, and what is told of one that is not the story's.
#include "conversation.hpp"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace lab
{

bool changes_what_passes(long option)
{
    const auto is = [&](long level, long number) { return option == level * 1000 + number; };
    return is(SOL_SOCKET, SO_LINGER) || is(SOL_SOCKET, SO_RCVLOWAT) ||
           is(SOL_SOCKET, SO_RCVTIMEO) || is(SOL_SOCKET, SO_SNDTIMEO) ||
           is(IPPROTO_TCP, TCP_CORK) || is(IPPROTO_TCP, TCP_DEFER_ACCEPT);
}

Conversation::Conversation(const Calls& calls, std::size_t accepted, const Asked& asked)
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
        is_forked_ =
            is_forked_ || (call.socket == accepted_.client && call.process != accepted_.process);
    }
    before_.push_back(accepted_);
}

std::optional<Departure> Conversation::departure()
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
        found_->then = "nothing more for this client, though something has come from it";
    }
    const bool is_looked_after = is_waiting_ || (is_shared_by_loop_ && state_ == State::receive);
    if (!found_ && state_ != State::over && !is_looked_after) {
        parts_ > 0 ? depart_at_the_last() : nothing_more();
    } else if (!found_ && is_forked_ && state_ == State::over && !parent_has_closed_) {
        nothing_more();
        found_->then = "close is not called in the process that called accept";
        found_->hint = "fork copies each descriptor: a connection ends when all copies are closed.";
    }
    if (!found_ && state_ == State::over && asked_.is_unanswered && !is_forked_) {
        const Call last = before_.back();
        before_.pop_back();
        depart(last, "{call}, and the connection stays open",
               "A connection ends when all copies of its descriptor are closed (dup, clone).");
    }
    return found_ ? found_ : taken_besides_;
}

bool Conversation::is_of_this_client(const Call& call) const
{
    if (call.socket == accepted_.client && call.kind != "accept" && call.kind != "option") {
        return true;
    }
    const bool is_its_thread = call.thread == thread_ && call.thread != accepted_.thread;
    return is_its_thread && (call.kind == "sleep" || call.kind == "exit" || is_its_text(call)) &&
           state_ != State::over;
}

bool Conversation::is_its_text(const Call& call) const
{
    const std::string text = due();
    return call.kind == "print" && !text.empty() && call.data.find(text) != std::string::npos;
}

bool Conversation::is_astray(const Call& call) const
{
    const bool owes = state_ == State::welcome || state_ == State::answer;
    if (state_ == State::leave && call.kind == "close") {
        return call.thread == thread_ && call.socket == listening_;
    }
    const bool is_its_thread = thread_ != 0 ? call.thread == thread_ : call.begin > accepted_.end;
    const bool is_wrong = call.socket == listening_ || (call.socket == 0 && call.result < 0);
    return owes && is_its_thread && call.thread != accepted_.thread &&
           (call.kind == "send" || call.kind == "recv") && is_wrong;
}

std::string Conversation::due() const
{
    return state_ == State::welcome  ? welcome_text()
           : state_ == State::answer ? greeting_of(message_)
                                     : "";
}

std::string Conversation::step_of(State state)
{
    return state == State::welcome   ? step::welcome
           : state == State::receive ? step::recv
           : state == State::answer  ? step::greeting
                                     : step::leave;
}

void Conversation::depart(const Call& call, const std::string& then, const std::string& hint,
                          const std::string& due_step)
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

void Conversation::depart_at_the_last()
{
    const Call last = before_.back();
    before_.pop_back();
    depart(last);
}

void Conversation::nothing_more()
{
    Departure departure;
    departure.before = before_;
    departure.client = accepted_.port;
    departure.then = "nothing more for this client";
    departure.due = step_of(state_);
    departure.hint =
        state_ == State::leave ? "The loop has been left, and close is not called behind it." : "";
    if (thread_ != 0) {
        departure.process = process_;
        departure.thread = thread_;
    } else if (thread_ == 0) {
        give_to_a_thread(departure);
    }
    found_ = departure;
}

void Conversation::give_to_a_thread(Departure& departure) const
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

std::optional<Departure> departure_of_conversation(const Calls& calls, std::size_t accepted,
                                                   const Asked& asked)
{
    return Conversation(calls, accepted, asked).departure();
}

} // namespace lab
