// client_story.cpp: step 5 of the notebook as states, and what may be called in each.
#include "departure.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace lab
{
namespace
{

const std::array<std::string, 4> messages = {"Yam", "May", "Sarah", "exit"};

/// What the server says to so many messages: first of all, the welcome.
std::string answer_to(std::size_t said)
{
    return said == 0 ? "Welcome!" : "Hello, " + messages[said - 1] + "!";
}

} // namespace

std::optional<Departure> departure_of_client(const std::vector<Call>& calls, int port)
{
    Departure departure;
    bool is_over = false; // the server has closed
    const auto departs = [&](const Call& call, const std::string& due, State state) {
        departure.call = call;
        departure.then = call.has_returned || call.kind == "exit" ? "{call}" : "{call}, and waits";
        departure.due = due;
        departure.hint = hint_for_itself(call);
        if (departure.hint.empty() && state == State::receive && call.kind == "recv") {
            departure.hint =
                is_over ? "The server has closed: recv returns nothing (0), at once and each time."
                        : "The server has said what it had to say, and waits for the next message.";
        }
        return departure;
    };
    long socket = 0;
    std::size_t said = 0;   // messages sent
    bool is_waiting = true; // for the welcome, or an answer
    std::string got;        // of it
    Call taken;             // by this call
    bool has_ended = false;
    const Call* last = nullptr;
    for (const Call& call : calls) {
        const bool is_inet = call.kind != "socket" || call.size == AF_INET || call.size == AF_INET6;
        if (socket == 0) {
            const bool is_server_call =
                call.kind == "bind" || call.kind == "listen" || call.kind == "accept";
            if (is_server_call && call.port == port) {
                return departs(call, line::connect, State::welcome);
            }
            if (call.kind == "socket" && is_inet && call.flags == SOCK_DGRAM) {
                continue; // of a resolver, perhaps
            }
            if (call.kind == "connect" && call.port != 53 && call.socket != 0 && call.port != 0) {
                if (call.port != port || (call.result < 0 && call.result != -EINPROGRESS)) {
                    return departs(call, line::connect, State::welcome);
                }
                socket = call.socket;
                departure.before.push_back(call);
            }
            continue;
        }
        if (call.socket != socket || call.kind == "option" || call.kind == "connect") {
            continue;
        }
        last = &call;
        if (call.kind == "recv") {
            const bool does_not_wait =
                call.result == -EAGAIN && (!call.waits || (call.flags & MSG_DONTWAIT) != 0);
            if (does_not_wait || call.result == -EINTR || has_ended) {
                continue;
            }
            const bool is_odd =
                call.size == 0 || (call.flags & (MSG_PEEK | MSG_WAITALL)) != 0 || call.result < 0;
            if (is_odd || (!is_waiting && said < messages.size() && call.waits)) {
                return departs(call, said == 0 ? line::welcome : line::send, State::receive);
            }
            if (!call.has_returned) {
                return std::nullopt; // it waits for the server
            }
            is_over = call.result == 0;
            got += call.result > 0 ? call.data : "";
            is_waiting = false;
            taken = call;
        } else if (call.kind == "send") {
            const std::size_t all = answer_to(said).size();
            if (!is_waiting && got.size() < all && taken.result > 0) {
                departs(taken, said == 0 ? line::welcome : line::print, State::receive);
                departure.before.pop_back();
                departure.hint = "The answer was not taken as a whole: recv had room for {count} "
                                 "of its {all} bytes.";
                departure.places = {{"count", std::to_string(got.size())},
                                    {"all", std::to_string(all)}};
                return departure;
            }
            got.clear();
            const bool is_due = said < messages.size() && !is_waiting &&
                                call.data == messages[said] && call.result == call.size;
            if (!is_due || (call.flags & MSG_MORE) != 0) {
                const std::string due = is_waiting ? (said == 0 ? line::welcome : line::print)
                                        : said < 3 ? line::send
                                                   : line::leave;
                return departs(call, due, State::answer);
            }
            ++said;
            is_waiting = said < messages.size();
        } else if (call.kind == "close" || call.kind == "shutdown") {
            if (said < messages.size() && !has_ended) {
                return departs(call,
                               is_waiting ? line::print
                               : said < 3 ? line::send
                                          : line::leave,
                               State::leave);
            }
            has_ended = true;
        }
        departure.before.push_back(call);
    }
    if (socket == 0) {
        departure.then = "connect is not called";
        departure.due = line::connect;
        return calls.empty() ? std::nullopt : std::optional(departure);
    }
    if (said == messages.size() || last == nullptr) {
        return std::nullopt;
    }
    departure.then = "nothing more on this connection";
    departure.due = is_waiting ? (said == 0 ? line::welcome : line::print)
                    : said < 3 ? line::send
                               : line::leave;
    departure.process = last->process;
    departure.thread = last->thread;
    return departure;
}

} // namespace lab
