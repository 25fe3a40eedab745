// client_story.cpp: step 5 of the notebook as states, and what may be called in each.
#include "departure.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

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

std::optional<Departure> departure_of_client(const Calls& calls, int port)
{
    Departure departure;
    long socket = 0;
    std::size_t said = 0;      // messages sent
    bool is_waiting = true;    // for the welcome, or an answer
    bool is_over = false;      // the server has closed
    bool has_ended = false;    // this side
    std::string got;           // of an answer
    Call taken;                // by this call
    Call hard;                 // an option with which close sends a reset
    std::map<long, Call> made; // the sockets, and how
    const auto due = [&] {
        return socket == 0  ? line::connect
               : is_waiting ? (said == 0 ? line::welcome : line::print)
               : said < 3   ? line::send
                            : line::leave;
    };
    const auto departs = [&](const Call& call, const std::string& hint = "") {
        departure.call = call;
        departure.then = call.kind == "exit" || call.kind == "signal"
                             ? "{call}, and with it the whole program ends"
                         : call.has_returned ? "{call}"
                                             : "{call}, and waits";
        departure.due = due();
        departure.hint = hint_for_itself(call);
        departure.hint = departure.hint.empty() ? hint : departure.hint;
        return departure;
    };
    const auto killed = std::find_if(calls.begin(), calls.end(),
                                     [](const Call& call) { return call.kind == "killed"; });
    for (const Call& call : calls) {
        const bool is_signal =
            call.kind == "signal" && killed != calls.end() && call.result == killed->result;
        if ((is_signal || call.kind == "exit") && socket != 0 && said < messages.size()) {
            return departs(call);
        }
        if (socket == 0) {
            const bool is_servers =
                call.kind == "bind" || call.kind == "listen" || call.kind == "accept";
            if (is_servers && call.port == port) {
                return departs(call);
            }
            if (call.kind == "socket") {
                made[call.socket] = call;
            }
            if (call.kind == "connect" && call.port == port &&
                made[call.socket].flags == SOCK_DGRAM) {
                return departs(made[call.socket], hint_for_datagrams());
            }
            if (call.kind == "connect" && call.port != 53 && call.port != 0) { // 53 is a resolver's
                if (call.port != port || (call.result < 0 && call.result != -EINPROGRESS)) {
                    return departs(call, hint_for_port(port, call.port));
                }
                socket = call.socket;
                departure.before.push_back(call);
            }
            continue;
        }
        hard = call.socket == socket && makes_close_reset(call) ? call : hard;
        if (call.kind == "close" && call.socket == socket && !hard.kind.empty()) {
            return departs(hard, hint_for_reset());
        }
        if (call.socket != socket || call.kind == "option" || call.kind == "connect") {
            continue;
        }
        if (call.kind == "recv") {
            const bool does_not_wait =
                call.result == -EAGAIN && (!call.waits || (call.flags & MSG_DONTWAIT) != 0);
            if (does_not_wait || call.result == -EINTR || has_ended) {
                continue;
            }
            const bool is_odd =
                call.size == 0 ||
                (call.flags & (MSG_PEEK | MSG_WAITALL | MSG_TRUNC | MSG_OOB)) != 0 ||
                call.result < 0;
            if (is_odd || (!is_waiting && said < messages.size() && call.waits)) {
                return departs(
                    call, is_over ? "The server has closed: recv returns nothing (0), at once and "
                                    "each time."
                                  : "The server has said what it had to say, and waits for the "
                                    "next message.");
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
            if (!is_waiting && said < messages.size() && got.size() < all && taken.result > 0) {
                is_waiting = true; // for the rest
                departs(taken);
                departure.before.pop_back();
                departure.hint =
                    "The answer was not taken as a whole: recv had room for {count} of its {all} "
                    "bytes.";
                departure.places = {{"count", std::to_string(got.size())},
                                    {"all", std::to_string(all)}};
                return departure;
            }
            const bool is_due = said < messages.size() && !is_waiting &&
                                call.data == messages[said] &&
                                call.result == static_cast<long>(call.data.size());
            if (!is_due || (call.flags & (MSG_MORE | MSG_OOB)) != 0) {
                const bool has_two = !is_waiting && said + 1 < messages.size() &&
                                     call.data.starts_with(messages[said] + messages[said + 1]);
                return departs(call,
                               has_two ? "Two names are in one text, and go out in one send." : "");
            }
            got.clear();
            ++said;
            is_waiting = said < messages.size();
        } else if (call.kind == "close" || call.kind == "shutdown") {
            if (said < messages.size() && !has_ended) {
                return departs(call);
            }
            has_ended = true;
        }
        departure.before.push_back(call);
    }
    if (socket == 0) {
        departure.then = "connect is not called";
    } else if (said < messages.size()) {
        departure.then = "nothing more on this connection";
        departure.process = departure.before.back().process;
        departure.thread = departure.before.back().thread;
    } else {
        return std::nullopt;
    }
    departure.due = due();
    return calls.empty() ? std::nullopt : std::optional(departure);
}

} // namespace lab
