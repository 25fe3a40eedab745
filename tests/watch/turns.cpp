// turns.cpp: who is to do what next, and what the server may call then.
#include "conversation.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace lab
{

void Conversation::take(const Call& call, std::size_t index)
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

bool Conversation::is_waiting_in_a_loop(const Call& call, std::size_t index) const
{
    if (call.kind != "recv" || call.result != -EAGAIN ||
        (call.waits && (call.flags & MSG_DONTWAIT) == 0)) {
        return call.kind == "recv" && call.result == -EINTR;
    }
    const auto next = std::find_if(calls_.begin() + static_cast<long>(index) + 1, calls_.end(),
                                   [&](const Call& other) { return other.thread == call.thread; });
    return next == calls_.end() || next->kind == "poll" || next->kind == "accept" ||
           next->kind == "recv" || is_shared_by_loop_ || state_ == State::answer;
}

bool Conversation::is_parents_copy(const Call& call)
{
    const bool is_copy = is_forked_ && call.process == accepted_.process &&
                         (call.kind == "close" || call.kind == "shutdown");
    parent_has_closed_ = parent_has_closed_ || is_copy;
    return is_copy;
}

void Conversation::sends(const Call& call)
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
        if (call.result > 0 && !taken_besides_) {
            depart(call);
            taken_besides_ = std::exchange(found_, std::nullopt); // if the bytes are wrong
        }
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
        has_shut_ = true; // nothing more can be sent
        state_ = State::leave;
        return;
    }
    if (call.result < 0 || call.data.empty() || (call.flags & (MSG_MORE | MSG_OOB)) != 0) {
        depart(call);
        return;
    }
    const Seconds pause = call.begin - since_;
    sent_ += call.data.substr(0, static_cast<std::size_t>(call.result));
    if (sent_.size() < text.size() && text.starts_with(sent_)) {
        if (parts_++ > 0 && call.result == static_cast<long>(call.data.size())) {
            depart(call, "", "The answer is sent in pieces: put it together, and send it in one.");
        }
        return;
    }
    if (sent_.substr(0, most_kept) != text.substr(0, most_kept)) {
        depart(call);
    } else if (parts_ > 0 && sent_.size() > call.data.size()) {
        depart(call, "", "The answer is sent in pieces: put it together, and send it in one.");
    } else if (state_ == State::answer &&
               (pause < asked_.delay * times::most || pause > asked_.delay + times::late)) {
        depart_from_pause(call, pause);
    }
    answers_ += state_ == State::answer ? 1 : 0;
    parts_ = 0;
    sent_.clear();
    state_ = ended_early_ ? State::leave : State::receive;
}

const Call* Conversation::pause_before(const Call& call) const
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

void Conversation::depart_from_pause(const Call& call, Seconds pause)
{
    const bool has_slept = before_.back().kind == "sleep";
    if (pause > asked_.delay && has_slept && before_.back().pause < asked_.delay + times::late) {
        return; // the machine was busy
    }
    depart(call, "{call}, {count} seconds after recv had returned", "", step::pause);
    found_->places = {{"count", std::to_string(pause.count()).substr(0, 4)}};
}

void Conversation::receives(const Call& call)
{
    if (call.kind == "sleep" && call.has_returned) {
        depart(call, "", "", step::pause);
        const auto next =
            std::find_if(calls_.begin() + (&call - calls_.data()) + 1, calls_.end(),
                         [&](const Call& other) { return other.socket == accepted_.client; });
        const bool is_recv = next != calls_.end() && next->kind == "recv";
        found_->hint = is_recv ? found_->hint : "";
        return;
    }
    if (call.kind != "recv") {
        return depart(call);
    }
    if (!call.has_returned) {
        is_waiting_ = (call.flags & MSG_WAITALL) == 0;
        waits_in_ = call;
        return is_waiting_ ? void() : depart(call);
    }
    const bool is_odd =
        call.size == 0 || (call.flags & (MSG_PEEK | MSG_WAITALL | MSG_TRUNC | MSG_OOB)) != 0;
    if (is_odd || (call.result < 0 && call.result != -ECONNRESET)) {
        return depart(call);
    }
    if (const Call* shut = shut_from_here(call)) {
        return depart(Call(*shut));
    }
    message_ = call.result > 0 ? call.data : "";
    since_ = call.end;
    ended_early_ = false;
    state_ = message_.empty() || message_ == "exit" ? State::leave : State::answer;
}

const Call* Conversation::shut_from_here(const Call& received) const
{
    const auto is_so = [&](const Call& other) {
        return received.result == 0 && other.kind == "shutdown" && other.flags != SHUT_WR &&
               other.socket == received.socket && other.begin < received.end;
    };
    const auto found = std::find_if(calls_.begin() + static_cast<long>(from_), calls_.end(), is_so);
    return found == calls_.end() ? nullptr : &*found;
}

void Conversation::leaves(const Call& call)
{
    if (has_shut_ && call.kind == "send") {
        return; // nobody gets it
    }
    const auto hard = std::find_if(before_.begin(), before_.end(), makes_close_reset);
    if (call.kind == "close" && hard != before_.end()) {
        return depart(Call(*hard), "", hint_for_reset());
    }
    if (call.kind == "close" || (call.kind == "exit" && call.process != root_)) {
        state_ = State::over;
    } else if (call.kind == "shutdown") {
        has_shut_ = true;
    } else if (call.kind != "sleep" && !(call.kind == "recv" && has_shut_)) {
        depart(call);
    }
}

} // namespace lab
