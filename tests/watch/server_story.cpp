// server_story.cpp: steps 1 to 3 of the notebook, the loop around accept, and the end of a program.
#include "conversation.hpp"

#include <algorithm>
#include <cerrno>
#include <map>

#include <netinet/in.h>
#include <sys/socket.h>

namespace lab
{
namespace
{

bool has_accepted(const Call& call)
{
    return call.kind == "accept" && call.has_returned && call.result >= 0;
}

/// The port of the client that a thread has served last; 0 if it has served none.
int served_last(const Calls& calls, const Call& end)
{
    long socket = 0;
    for (const Call& call : calls) {
        const bool serves = call.thread == end.thread &&
                            (call.kind == "send" || call.kind == "recv") && call.socket != 0;
        socket = serves && &call < &end ? call.socket : socket;
    }
    for (const Call& call : calls) {
        if (has_accepted(call) && call.client == socket) {
            return call.port;
        }
    }
    return 0;
}

/// The port of the client whose thread has ended the whole program; 0 if none has.
int who_has_ended_it(const Calls& calls)
{
    pid_t root = 0;
    for (const Call& call : calls) {
        root = call.kind == "listen" ? call.process : root;
    }
    const auto killed = std::find_if(calls.begin(), calls.end(), [&](const Call& call) {
        return call.kind == "killed" && call.process == root;
    });
    const long signal = killed == calls.end() ? 0 : killed->result;
    for (const Call& call : calls) {
        const bool is_the_end =
            call.kind == "exit" || (call.kind == "signal" && call.result == signal);
        if (is_the_end && call.process == root) {
            return served_last(calls, call);
        }
    }
    return 0;
}

/// Steps 1 to 3.
std::optional<Departure> of_the_first_steps(const Calls& calls, const Asked& asked)
{
    Departure departure;
    std::map<long, Call> made; // the sockets, and how
    bool is_bound = false;
    const auto departs = [&](const Call& call, const std::string& hint) {
        departure.call = call;
        departure.then = "{call}";
        departure.due = call.kind == "bind" ? step::socket : step::listen;
        departure.hint = hint;
        return departure;
    };
    for (const Call& call : calls) {
        const auto socket = made.find(call.socket);
        const bool is_inet = call.size == AF_INET || call.size == AF_INET6;
        if (call.kind == "socket" && is_inet) {
            made[call.socket] = call;
        } else if (call.kind == "bind" && socket != made.end()) {
            departure.before = {socket->second};
            if (socket->second.flags == SOCK_DGRAM) {
                return departs(socket->second, hint_for_datagrams());
            }
            const bool is_here = call.address.starts_with("127.0.0.1:") ||
                                 call.address.starts_with("0.0.0.0:") ||
                                 call.address.starts_with("[::]:");
            if (call.port != asked.port || call.result < 0 || !is_here) {
                return departs(call, hint_for_port(asked.port, call.port));
            }
            is_bound = true;
            departure.before.push_back(call);
        } else if (call.kind == "listen" && socket != made.end()) {
            if (!is_bound) {
                return departs(call, "listen was called on a socket that is not bound: bind comes "
                                     "before it.");
            }
            return call.result < 0 ? std::optional(departs(call, "")) : std::nullopt;
        } else if (call.kind == "accept" && socket != made.end()) {
            return departs(call, "accept was called on a socket that does not listen: listen comes "
                                 "before it.");
        }
    }
    departure.then = is_bound ? "listen is not called" : "bind and listen are not called";
    departure.due = is_bound ? step::listen : step::socket;
    return made.empty() ? std::nullopt : std::optional(departure);
}

/// The loop around accept, which has not returned the client.
std::optional<Departure> of_the_loop(const Calls& calls)
{
    const auto last = std::find_if(calls.rbegin(), calls.rend(),
                                   [](const Call& call) { return call.kind == "accept"; });
    Departure departure;
    departure.due = step::accept;
    if (last == calls.rend()) {
        departure.then = "accept is not called";
        const auto listen = std::find_if(calls.begin(), calls.end(),
                                         [](const Call& call) { return call.kind == "listen"; });
        if (listen == calls.end()) {
            return std::nullopt;
        }
        departure.before.push_back(*listen);
        departure.process = listen->process;
        departure.thread = listen->thread;
        return departure;
    }
    if (!last->has_returned) {
        const auto option = std::find_if(calls.begin(), calls.end(), [&](const Call& call) {
            return call.socket == last->socket && changes_what_passes(call.option);
        });
        if (option == calls.end()) {
            return std::nullopt; // it waits
        }
        departure.before.push_back(*option);
        departure.call = *last;
        departure.then = "{call}, and waits, though a client is connected";
        return departure;
    }
    if (last->result == -EAGAIN || last->result == -EINTR) {
        return std::nullopt;
    }
    if (last->result < 0) {
        departure.call = *last;
        departure.then = "{call}";
        return departure;
    }
    departure.before.push_back(*last);
    const auto next = std::find_if(
        calls.begin() + (last.base() - calls.begin()), calls.end(), [&](const Call& call) {
            return call.thread == last->thread && call.kind != "print" && call.kind != "fork" &&
                   call.kind != "thread" && call.kind != "option" && call.kind != "close";
        });
    const bool polls = std::any_of(calls.begin(), calls.end(), [&](const Call& call) {
        return call.kind == "poll" && call.thread == last->thread;
    });
    const bool serves = !polls && next != calls.end() &&
                        (next->kind == "send" || next->kind == "recv") &&
                        next->socket == last->client;
    if (serves) {
        departure.call = *next;
        departure.then = "{call}, by the thread that calls accept";
        departure.hint = "The thread that calls accept serves the client itself, and nobody else "
                         "meanwhile: each client needs a thread.";
        return departure;
    }
    departure.then = "accept is not called again";
    departure.process = last->process;
    departure.thread = last->thread;
    return departure;
}

/// The end of the program, where no conversation has brought it.
std::optional<Departure> of_the_end(const Calls& calls)
{
    const auto listen = std::find_if(calls.begin(), calls.end(),
                                     [](const Call& call) { return call.kind == "listen"; });
    Departure departure;
    departure.due = step::accept;
    for (const Call& call : calls) {
        if (listen == calls.end() || call.process != listen->process) {
            continue;
        }
        if (call.kind == "exit") {
            departure.call = call;
            departure.then = "{call}, and with it the whole program ends";
            return departure;
        }
        if (call.kind == "close" && call.socket == listen->socket) {
            departure.call = call;
            departure.then = "{call}, on the listening socket";
            return departure;
        }
        if (call.kind == "accept") {
            departure.before.push_back(call);
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<Departure> departure_of_server(const Calls& calls, const Asked& asked)
{
    if (calls.empty()) {
        return std::nullopt;
    }
    if (auto found = of_the_first_steps(calls, asked)) {
        return found;
    }
    const int culprit = who_has_ended_it(calls);
    const int client = culprit != 0 ? culprit : asked.client;
    for (std::size_t i = 0; i < calls.size() && client != 0; ++i) {
        if (has_accepted(calls[i]) && calls[i].port == client) {
            const auto found = departure_of_conversation(calls, i, asked);
            return found ? found : of_the_end(calls);
        }
    }
    const auto end = of_the_end(calls);
    return end || asked.client == 0 ? end : of_the_loop(calls);
}

std::optional<Departure> departure_of_who_has_left(const Calls& calls, const Asked& asked)
{
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (has_accepted(calls[i])) {
            if (auto found = departure_of_conversation(calls, i, asked)) {
                return found;
            }
        }
    }
    return std::nullopt;
}

std::vector<Seconds> pauses_of(const Calls& calls, int client)
{
    const auto accepted = std::find_if(calls.begin(), calls.end(), [&](const Call& call) {
        return has_accepted(call) && call.port == client;
    });
    std::vector<Seconds> pauses;
    if (accepted == calls.end()) {
        return pauses;
    }
    const Call* before = &*accepted;
    for (const Call& call : calls) {
        if (call.socket != accepted->client) {
            continue;
        }
        if (call.kind == "recv" && call.result > 0) {
            before = &call;
        } else if (call.kind == "send" && before != nullptr) {
            pauses.emplace_back(call.begin - before->end);
            before = nullptr;
        }
    }
    return pauses;
}

} // namespace lab
