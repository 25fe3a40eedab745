#include "talk.hpp"
#include "process.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <sstream>
#include <system_error>

#include <sys/socket.h>

namespace lab
{
namespace
{

/// How long a server may be at rest before nothing more is expected of it, where it should be doing
/// something. A server that takes the notebook's second, whatever it was asked for, is not silent.
Seconds silence(const Server& server) { return Seconds(std::max(server.delay() + 0.8, 1.3)); }
const Seconds for_the_rest{0.7}; ///< where a part of the answer is there

std::string where_it_listens(Server& server)
{
    std::string text;
    for (const ListeningSocket& socket : listening_sockets_of(server.pid())) {
        text += (text.empty() ? "" : ", ") + std::string(socket.datagrams ? "UDP " : "") +
                socket.address + " port " + std::to_string(socket.port);
    }
    return text;
}

std::string why_not_listening(Server& server)
{
    for (const ListeningSocket& socket : listening_sockets_of(server.pid())) {
        if (socket.datagrams) {
            return "Its socket is for datagrams (SOCK_DGRAM, UDP). TCP takes SOCK_STREAM.";
        }
        if (const std::string found = diagnose_port(server.port(), socket.port); !found.empty()) {
            return found;
        }
        if (socket.address == "::1" && socket.port == server.port()) {
            return "It listens on ::1 only, which is IPv6: the notebook's address is 127.0.0.1, "
                   "AF_INET.";
        }
        if (socket.port != server.port()) {
            return "It listens on another port. If the system chose that port, bind was not called "
                   "before listen, or it failed and nobody looked at its result, or it was given "
                   "port 0. Are the arguments in the right order?";
        }
        if (socket.address != "127.0.0.1" && socket.address != "0.0.0.0" &&
            socket.address != "::") {
            return "It listens on an address of this machine that is not 127.0.0.1.";
        }
    }
    if (server.has_ended()) {
        return "";
    }
    const auto waits = waits_of(server.pid());
    const auto in = [&](const std::string& call) {
        return std::count(waits.begin(), waits.end(), call) > 0;
    };
    if (in("accept")) {
        return "It waits in accept, but its socket is not listening.";
    }
    if (in("sleep")) {
        return "It is asleep, and does not listen.";
    }
    if (in("read")) {
        return "It waits for input from the keyboard, and does not listen.";
    }
    return "It does not listen: is listen called, on the socket that was bound?";
}

} // namespace

std::string served_on(const std::string& out)
{
    std::vector<std::string> seen;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line); seen.push_back(line)) {
        if (line.ends_with(" closed.") && std::find(seen.begin(), seen.end(), line) != seen.end()) {
            return "\"" + line +
                   "\" is printed more than once: a client that has left is served on (is it still "
                   "among those that select or poll waits for?), and the next client, which has "
                   "its descriptor now, is closed in its place.";
        }
    }
    return "";
}

std::string by_hand(const std::string& bytes)
{
    if (bytes.empty()) {
        return "nc 127.0.0.1 {port}";
    }
    std::string text;
    bool plain = true;
    for (const char byte : bytes.substr(0, 40)) {
        plain = plain && (std::isalnum(static_cast<unsigned char>(byte)) != 0);
        const std::string digits = "01234567";
        const auto value = static_cast<unsigned char>(byte);
        if (byte == '\n') {
            text += "\\n";
        } else if (value < ' ' || byte == '\'' || byte == '\\' || value >= 0x7f) {
            text += {'\\', digits[value >> 6], digits[value >> 3 & 7], digits[value & 7]};
        } else {
            text += byte == '%' ? std::string("%%") : std::string(1, byte);
        }
    }
    return "printf " + (plain ? text : "'" + text + "'") + " | nc -q2 127.0.0.1 {port} | od -c";
}

Talk::Talk(Server& server, bool quick) : server_(server), quick_(quick)
{
    if (!server.listens()) {
        return;
    }
    said_before_ = server.err().size();
    try {
        peer_.emplace(Peer::to(server.port(), "127.0.0.1", Seconds(2)));
    } catch (const std::system_error&) { // is_connected tells
    }
}

testing::AssertionResult Talk::is_connected()
{
    if (peer_) {
        return testing::AssertionSuccess();
    }
    Finding finding;
    finding.expected = "a TCP server on 127.0.0.1 port " + std::to_string(server_.port());
    const std::string found = where_it_listens(server_);
    finding.received = found.empty() ? "no listening socket" : "a socket on " + found;
    finding.diagnosis = why_not_listening(server_);
    finding.look_at = step::socket;
    finding.by_hand = "ss -ltnp, or: nc -v 127.0.0.1 {port}";
    return not_yet(server_, "server", finding);
}

testing::AssertionResult Talk::fails(Finding finding)
{
    if (finding.sent.empty()) {
        finding.sent = peer_->sent().empty() ? "nothing" : quote(peer_->sent().back());
        finding.sent += half_closed_ ? ", and then the end of this side" : "";
    }
    return not_yet(server_, "server", finding);
}

/// All that comes within `limit`, which ends early when something has come and then nothing more.
std::string Talk::what_comes(Seconds limit)
{
    std::string received;
    server_.until(
        [&] {
            received += peer_->receive_now();
            return !received.empty() || peer_->ended();
        },
        limit);
    eventually(
        [&] {
            received += peer_->receive_now();
            return peer_->ended();
        },
        Seconds(0.1));
    return received;
}

/// Finds out why nothing has come where a client that is alone is answered.
std::string Talk::why_silent_beside_others(const std::string& expected)
{
    for (Talk* other : others_) {
        const std::string came = other->peer_ ? other->peer_->receive_now() : "";
        if (came.find(expected) != std::string::npos ||
            (!came.empty() && other->unanswered_ == 0)) {
            return "The answer went to another client: the threads share one variable, in which "
                   "the socket of the latest client stands (a global, static, or the loop's own, "
                   "handed over by its address). Each thread needs a socket of its own.";
        }
    }
    const auto clients = static_cast<double>(others_.size() + 1);
    const std::string late = what_comes(Seconds(std::min(server_.delay() * clients + 0.5, 5.0)));
    if (late.starts_with(expected)) {
        return "The answer came in the end, after those of others: one client waits for another's "
               "pause. No thread may hold a lock while it sleeps, and a program with one thread "
               "may not sleep at all.";
    }
    for (Talk* other : others_) {
        if (other->peer_) {
            other->peer_->half_close();
        }
    }
    if (peer_->ended() || what_comes(Seconds(server_.delay() * 2 + 0.5)).empty()) {
        return "Alone, a client is answered; beside others, this one was not. Do the threads share "
               "a variable (the socket, the buffer)?";
    }
    return "The answer came only after the other client had left: it is served alone as long as it "
           "stays. Is there a lock around the whole of tcplink, a join, or only one thread?";
}

/// Finds out by trying why nothing has come: does a newline help, 1,024 bytes, the end?
std::string Talk::why_silent(const std::string& expected)
{
    const bool welcome = expected == "Welcome!";
    if (!others_.empty()) {
        return why_silent_beside_others(expected);
    }
    if (const std::string why = served_on(server_.out()); peer_->ended() && !why.empty()) {
        return why;
    }
    if (half_closed_ && peer_->ended()) {
        return "The client sent a name and then closed its sending side: the answer is still to be "
               "sent, and only then is the connection closed. (In Node, allowHalfOpen: true.)";
    }
    if (peer_->was_reset()) {
        return "The connection was reset (RST) without an answer: it was closed while bytes from "
               "this client were unread, or the program ended.";
    }
    if (peer_->ended()) {
        return welcome
                   ? "The connection was closed without a welcome: does the thread have the socket "
                     "(was it destroyed, moved away or closed before the thread used it)?"
                   : "The connection was closed without an answer: are the bytes taken for exit, "
                     "or for the end? Is there a loop around recv?";
    }
    const auto waits = waits_of(server_.pid());
    const auto in = [&](const std::string& call) {
        return std::count(waits.begin(), waits.end(), call) > 0;
    };
    const Seconds while_trying(server_.delay() + 0.3);
    if (welcome) {
        const auto sockets = listening_sockets_of(server_.pid());
        const bool waits_for_accept =
            std::any_of(sockets.begin(), sockets.end(), [&](const ListeningSocket& socket) {
                return socket.port == server_.port() && socket.waiting > 0;
            });
        if (waits_for_accept && in("poll")) {
            return "The client is connected, but accept is not called: the program waits in select "
                   "or poll. Is the listening socket among those that it waits for, each time? "
                   "(For select, the first argument is the highest descriptor plus one.)";
        }
        if (waits_for_accept && server_.out().find("Accept") != std::string::npos) {
            return "The client is connected, but accept is not called for it: the loop of step 4 "
                   "does not come round. Does it wait for an earlier client (tcplink(...) called "
                   "instead of a thread started, or a join), or has it ended?";
        }
        if (waits_for_accept) {
            return "The client is connected, but accept is not called for it: is there a loop "
                   "around accept, and does it come that far?";
        }
        try {
            Talk second(server_);
            if (second.peer_ && second.what_comes(while_trying).starts_with("Welcome!")) {
                return "A second client was welcomed, but the first one was not.";
            }
        } catch (const std::system_error&) { // no more clients get in
        }
        peer_->say("Yam");
        const std::string after_name = what_comes(while_trying);
        if (after_name.starts_with("Welcome!")) {
            return "The welcome came only after the client had sent something: recv stands before "
                   "send. The server speaks first.";
        }
        if (after_name.starts_with("Hello")) {
            peer_->half_close();
            return what_comes(while_trying).find("Welcome!") != std::string::npos
                       ? "The welcome came only when the connection ended: it was still in a "
                         "buffer (flush it)."
                       : "There is no welcome: the first that came was the greeting of a name.";
        }
    }
    peer_->say("\n");
    if (const std::string came = what_comes(while_trying); !came.empty()) {
        return "The answer came only after a newline: the server reads lines (readline, getline, "
               "fgets), and the client sends none. recv returns what has arrived.";
    }
    peer_->say(std::string(1100, 'x'));
    if (const std::string came = what_comes(while_trying); !came.empty() && !peer_->was_reset()) {
        return "The answer came only after more than 1,024 bytes: the server waits until a buffer "
               "is full (read, MSG_WAITALL, a loop until the size is reached). recv returns what "
               "has arrived.";
    }
    peer_->half_close();
    const std::string at_the_end = what_comes(while_trying + Seconds(0.4));
    if (at_the_end.starts_with("Welcome!")) {
        return "The welcome came only when the connection ended: it was still in a buffer (flush "
               "it), or is sent last.";
    }
    if (at_the_end.starts_with(expected)) {
        return "The answer came only when the connection ended: it was still in a buffer. Flush it "
               "after each answer.";
    }
    if (!at_the_end.empty()) {
        return "The answer came only after the client had ended its side: the server receives "
               "until the end, where one recv is one message.";
    }
    if (in("poll")) {
        return welcome ? "It waits in select or poll, and has sent no welcome: it is sent when "
                         "accept has returned the client's socket, to that socket."
                       : "It waits in select or poll, and has sent no answer: is the client's "
                         "socket among those that it waits for? (For select, the first argument is "
                         "the highest descriptor plus one.)";
    }
    if (in("sleep")) {
        return "It is asleep for longer than the pause that was asked for.";
    }
    if (welcome && in("accept") && !in("recv") && !in("read")) {
        return "It waits in accept, and no thread serves this client: is a thread started, is the "
               "welcome its first act, and does it go to the socket that accept returned? (In C, "
               "(sock = accept(...)) < 0 needs these parentheses.)";
    }
    if (in("recv") || in("read")) {
        return welcome ? "It waits in recv: it has sent nothing, has sent it to nobody, or has "
                         "left it in a buffer that nobody flushes."
                       : "It waits in recv again: it has sent no answer, has sent it to nobody, or "
                         "has left it in a buffer that nobody flushes.";
    }
    return "";
}

testing::AssertionResult Talk::hears(const std::string& expected, const std::string& look_at,
                                     const std::vector<std::string>& others)
{
    if (const auto connected = is_connected(); !connected) {
        return connected;
    }
    const long segments = peer_->segments();
    std::string received;
    const auto listen = [&] { received += peer_->receive_now(); };
    server_.until(
        [&] {
            listen();
            return !received.empty() || peer_->ended();
        },
        silence(server_));
    if (!received.empty()) {
        server_.until(
            [&] {
                listen();
                return received.size() >= expected.size() || peer_->ended();
            },
            for_the_rest);
        // What is sent besides, in a send of its own, comes within the 40 ms of a delayed
        // acknowledgement.
        eventually([&] { return peer_->has_news() && !peer_->ended(); },
                   Seconds(quick_ ? 0 : 0.06));
        listen();
    }
    const long pieces = peer_->segments() - segments;
    const std::string by = by_hand(peer_->sent().empty() ? "" : peer_->sent().back());
    Finding finding{"", quote(expected), received.empty() ? "nothing" : quote(received),
                    "", look_at,         by};
    if (peer_->ended() && received != expected) {
        finding.received += peer_->was_reset() ? ", and then a reset (RST)"
                                               : ", and then the end of the connection";
    }
    if (received == expected) {
        if (segments < 0 || pieces <= 1) {
            unanswered_ -= unanswered_ > 0 ? 1 : 0;
            return testing::AssertionSuccess();
        }
        finding.received += " in " + std::to_string(pieces) + " pieces";
        finding.diagnosis = "The answer came in several pieces, from several sends. A client that "
                            "receives once, as the notebook's does, gets only the first. Put the "
                            "answer together and send it in one.";
        return fails(finding);
    }
    if (received.empty()) {
        eventually([&] { return server_.has_ended(); }, Seconds(0.1));
        finding.sent =
            peer_->sent().empty() ? "nothing" : quote(peer_->sent().back()); // before trying others
        finding.sent += half_closed_ ? ", and then the end of this side" : "";
        const std::string said = diagnose_said(server_.err().substr(said_before_));
        finding.diagnosis = server_.has_ended() ? "" : !said.empty() ? said : why_silent(expected);
        return fails(finding);
    }
    const Exchange exchange{peer_->sent(), expected, received, others, {}, unanswered_};
    finding.diagnosis = diagnose(exchange);
    if (finding.diagnosis.empty() && peer_->ended() && expected.starts_with(received)) {
        finding.diagnosis = "The connection ended in the middle of the answer.";
    }
    return fails(finding);
}

testing::AssertionResult Talk::is_welcomed() { return hears("Welcome!", step::welcome, {}); }

testing::AssertionResult Talk::hears_greeting(const std::string& name,
                                              const std::vector<std::string>& others,
                                              const std::string& look_at)
{
    return hears("Hello, " + name + "!", look_at, others);
}

testing::AssertionResult Talk::is_greeted(const std::string& name,
                                          const std::vector<std::string>& others,
                                          const std::string& look_at)
{
    say(name);
    return hears_greeting(name, others, look_at);
}

testing::AssertionResult Talk::sees_the_end(const std::string& why, int others)
{
    std::string received;
    server_.until(
        [&] {
            received += peer_->receive_now();
            return !received.empty() || peer_->ended();
        },
        silence(server_));
    eventually(
        [&] {
            received += peer_->receive_now();
            return peer_->ended();
        },
        received.empty() ? Seconds(0) : Seconds(0.2));
    if (received.empty() && peer_->ended() && !peer_->was_reset()) {
        return testing::AssertionSuccess();
    }
    const std::string last = peer_->sent().empty() ? "" : peer_->sent().back();
    Finding finding{last.empty() ? "nothing" : quote(last) + why,
                    "the end of the connection, and nothing before it",
                    received.empty() ? "nothing" : quote(received),
                    "",
                    step::leave,
                    by_hand(last)};
    if (peer_->was_reset()) {
        finding.received += ", and a reset (RST) where an end (FIN) was expected";
        finding.diagnosis = "The connection was reset: it was closed while bytes from this client "
                            "were unread, or the program ended.";
    } else if (received.starts_with("Hello, !") || received.starts_with("Hello, b''!")) {
        finding.diagnosis =
            "The end was greeted like a name: when the client has closed, recv returns nothing (an "
            "empty string, 0), at once and each time. That is where the loop ends.";
    } else if (received.find("exit") != std::string::npos && last == "exit") {
        finding.diagnosis =
            peer_->ended()
                ? "exit was greeted before the connection was closed: it is looked at too late."
                : "exit was greeted like a name: is it compared, after recv and before the answer, "
                  "with exactly the bytes that came? (In Python bytes never equal a str; in C and "
                  "Java == compares pointers.)";
    } else if (!received.empty() && peer_->ended()) {
        finding.diagnosis =
            "Something was sent before the connection was closed; the notebook sends nothing.";
    } else if (received.empty() && !peer_->ended() && !server_.has_ended()) {
        const auto waits = waits_of(server_.pid());
        const bool reads = std::count(waits.begin(), waits.end(), "recv") +
                               std::count(waits.begin(), waits.end(), "read") >
                           others;
        finding.received = "nothing, and the connection is still open";
        finding.diagnosis =
            reads
                ? (last == "exit"
                       ? "The server is in recv again, so the loop went on."
                       : "The server is in recv again, so the loop went on: when recv returns "
                         "nothing (0, an empty string), the client has closed, and the loop ends.")
                : "The connection is still open: is the socket closed after the loop (the "
                  "client's, not the listening one), on every way out of it, in every process and "
                  "by every object that has it?";
        finding.diagnosis += last == "exit" && reads ? " Is exit compared with exactly the bytes "
                                                       "received, without a newline or a zero byte?"
                                                     : "";
    }
    return fails(finding);
}

testing::AssertionResult Talk::hears_nothing_for(Seconds time, const std::string& diagnosis)
{
    if (!peer_->has_news(time)) {
        return testing::AssertionSuccess();
    }
    const std::string received = peer_->receive_now();
    eventually([&] { return server_.has_ended(); }, Seconds(0.1)); // that would be the cause
    return fails({"", "nothing, with the connection open",
                  received.empty()
                      ? (peer_->was_reset() ? "a reset (RST)" : "the end of the connection")
                      : quote(received),
                  diagnosis, step::recv, by_hand("")});
}

} // namespace lab
