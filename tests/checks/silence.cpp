// silence.cpp: why the server has said nothing where it should have: found out by trying.
#include "process.hpp"
#include "talk.hpp"

#include <algorithm>
#include <sstream>
#include <system_error>

namespace lab
{

std::string served_on(const std::string& out)
{
    std::vector<std::string> seen;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line); seen.push_back(line)) {
        if (line.ends_with(" closed.") && std::find(seen.begin(), seen.end(), line) != seen.end()) {
            return fill("\"{line}\" is printed more than once: a client that has left is served on "
                        "(is it still among those that select or poll waits for?), and the next "
                        "client, which has its descriptor now, is closed in its place.",
                        {{"line", line}});
        }
    }
    return "";
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

} // namespace lab
