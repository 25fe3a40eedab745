// silence.cpp: why the server has said nothing where it should have: found out by trying.
#include "process.hpp"
#include "replay.hpp"
#include "talk.hpp"
#include "text.hpp"

#include <algorithm>
#include <sstream>

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
        if (contains(came, expected) ||
            (!peer_->ended() && !came.empty() && other->unanswered_ == 0)) {
            return "The answer went to another client: the threads share one variable, in which "
                   "the socket of the latest client stands (a global, static, or the loop's own, "
                   "handed over by its address), or a socket is closed twice, and its number is "
                   "the next client's by then. Each thread needs a socket of its own.";
        }
    }
    if (peer_->ended() && expected == "Welcome!") {
        return "Beside so many others, this client was closed without a welcome: the number of "
               "clients at the same time is limited (a count, an array, a pool).";
    }
    if (peer_->ended()) {
        return "Alone, a client is answered; beside others, the connection of this one was closed: "
               "the threads share one variable, in which the socket is that of the latest client, "
               "or a socket is closed twice, and its number is another client's by then.";
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
    if (what_comes(Seconds(server_.delay() * 2 + 0.5)).empty()) {
        return "Alone, a client is answered; beside others, this one was not: the threads share a "
               "variable (the socket, the buffer), a table has one place for several clients, or a "
               "pointer leads to what has moved (a vector that grows).";
    }
    return others_.size() == 1
               ? "The answer came only after the other client had left: it is served alone as long "
                 "as it stays. A lock around the whole of tcplink does that, and so does join."
               : fill("With {count} other clients connected, this one was not served; when they "
                      "had left, it was: the number of clients at the same time is limited (by a "
                      "pool, a lock's holders, an array, or a join when so many have come).",
                      {{"count", std::to_string(others_.size())}});
}

std::string why_one_at_a_time(const Server& server)
{
    const Activity activity = activity_of(server.pid());
    const auto waits = waits_of(server.pid());
    constexpr long few = 4; // a language with a machinery of its own has more threads than that
    if (waits.contains("accept") && waits.contains("a lock") && activity.threads < few) {
        return "The second client has a thread, but it waits for a lock that the first client's "
               "thread holds. No thread may hold a lock while it waits for its client.";
    }
    if (waits.contains("wait") && activity.processes > 1) {
        return "The parent waits for the child process (wait) before it comes back to accept.";
    }
    if (activity.threads == 1 && activity.processes == 1) {
        return "The main loop serves the client itself, and comes back to accept only when that "
               "client has left: a thread that runs tcplink has to be started (in Python "
               "target=tcplink, not tcplink(...)).";
    }
    if (activity.threads < few && waits.contains("a lock")) {
        return "The main loop waits for the client's thread before it comes back to accept: join "
               "does that, and so does the end of what std::async or a jthread gave. detach() "
               "takes the place of join().";
    }
    return waits.contains("accept")
               ? "The server serves one client at a time: a second one is accepted, but "
                 "not served while the first one is connected."
               : "The loop of step 4 does not come back to accept while a client is "
                 "connected: it serves the client itself (run() in the place of start()), or "
                 "waits for its thread (join).";
}

/// Why a client that is alone has not been welcomed.
std::string Talk::why_no_welcome()
{
    const auto waits = waits_of(server_.pid());
    const auto sockets = listening_sockets_of(server_.pid());
    const bool waits_for_accept =
        std::any_of(sockets.begin(), sockets.end(), [&](const ListeningSocket& socket) {
            return socket.port == server_.port() && socket.waiting > 0;
        });
    if (waits_for_accept && waits.contains("poll")) {
        return "The client is connected, but accept is not called: the program waits in select or "
               "poll. Is the listening socket among those that it waits for, each time? (For "
               "select, the first argument is the highest descriptor plus one.)";
    }
    if (waits_for_accept && contains(server_.out(), "Accept")) {
        return why_one_at_a_time(server_);
    }
    if (waits_for_accept) {
        return "The client is connected, but accept is not called for it: accept and the loop "
               "around it are still to be written, or the program does not come so far.";
    }
    const Seconds while_trying(server_.delay() + 0.3);
    if (const std::string found = every_second_client(server_); !found.empty()) {
        return found;
    }
    {
        Talk second(server_);
        if (second.peer_ && second.what_comes(while_trying).starts_with("Welcome!")) {
            return "A second client was welcomed, but the first one was not.";
        }
    }
    peer_->say("Yam");
    const std::string after_name = what_comes(while_trying);
    if (after_name.starts_with("Welcome!")) {
        return "The welcome came only after the client had sent something: recv stands before "
               "send. The server speaks first.";
    }
    if (after_name.starts_with("Hello")) {
        peer_->half_close();
        return contains(what_comes(while_trying), "Welcome!")
                   ? "The welcome came only when the connection ended: it was still in a buffer "
                     "(flush it, which sends what the buffer holds)."
                   : "There is no welcome: the first that came was the greeting of a name.";
    }
    return "";
}

/// Finds out what else has to come before the answer does.
std::string Talk::what_brings_it(const std::string& expected)
{
    const bool welcome = expected == "Welcome!";
    const Seconds while_trying(server_.delay() + 0.3);
    const auto after = [&](const std::string& bytes) {
        peer_->say(bytes);
        return what_comes(while_trying);
    };
    if (!welcome) {
        const std::string came = after("Zed");
        if (came.starts_with("Hello, Zed!")) {
            return contains(after("Ann"), "Ann")
                       ? "The first message was lost, and the next ones are greeted: a recv stands "
                         "before the loop, and what it returned is not used."
                       : "Every second message is lost: recv is called twice in each round of the "
                         "loop (once in its condition, perhaps), and what one of the two returned "
                         "is not used.";
        }
        if (came.starts_with(expected)) {
            return "The answer came only after the next message: recv is called once more before "
                   "the answer is sent.";
        }
        if (!came.empty()) {
            return "The answer came only when more bytes had come: the server waits for a certain "
                   "number of bytes (MSG_WAITALL, or a loop until a size is reached). recv returns "
                   "what has arrived.";
        }
    }
    if (!after("\n").empty()) {
        return "The answer came only after a newline: the server reads lines (readline, getline, "
               "fgets), and the client sends none. recv returns what has arrived.";
    }
    if (!after(std::string(1, '\0')).empty()) {
        return "The answer came only after a zero byte: the server reads as far as one, and the "
               "client sends none. recv returns what has arrived.";
    }
    if (const std::string came = after(std::string(1100, 'x'));
        !came.empty() && !peer_->was_reset()) {
        return "The answer came only after more than 1,024 bytes: the server waits until a buffer "
               "is full (read, MSG_WAITALL, a loop until the size is reached). recv returns what "
               "has arrived.";
    }
    peer_->half_close();
    const std::string at_the_end = what_comes(while_trying + Seconds(0.4));
    if (at_the_end.starts_with("Welcome!")) {
        return "The welcome came only when the connection ended: it was still in a buffer (flush "
               "it, which sends what the buffer holds), or is sent last.";
    }
    if (at_the_end.starts_with(expected)) {
        return "The answer came only when the connection ended: it was still in a buffer. Flush it "
               "(send what the buffer holds) after each answer.";
    }
    return at_the_end.empty() ? ""
                              : "The answer came only after the client had ended its side: the "
                                "server receives until the end, where one recv is one message.";
}

/// What can still be said where nothing that was tried has brought the answer.
std::string Talk::what_it_waits_in(bool welcome)
{
    const auto waits = waits_of(server_.pid());
    if (waits.contains("poll")) {
        return welcome ? "It waits in select or poll, and has sent no welcome: it is sent when "
                         "accept has returned the client's socket, to that socket."
                       : "It waits in select or poll, and has sent no answer: is the client's "
                         "socket among those that it waits for? (For select, the first argument is "
                         "the highest descriptor plus one.)";
    }
    if (!welcome && waits.contains("a signal") && !waits.contains("recv")) {
        return "A thread waits for a signal (pause, sigwait), which another thread has got: the "
               "pause is made with sleep_for or nanosleep, for each thread by itself.";
    }
    if (waits.contains("sleep")) {
        return "It is asleep for longer than the pause that was asked for.";
    }
    if (welcome && waits.contains("accept") && !waits.contains("recv")) {
        return "It waits in accept, and no thread serves this client: is a thread started, is the "
               "welcome its first act, and does it go to the socket that accept returned? (In C, "
               "(sock = accept(...)) < 0 needs these parentheses, and what the thread is given a "
               "pointer to is freed by the thread, not by main.)";
    }
    if (waits.contains("recv")) {
        return welcome ? "It waits in recv, and nothing has been sent: send comes first, to the "
                         "socket that accept returned."
                       : "It waits in recv again, and nothing has been sent: send is not called, "
                         "or what was written is still in a buffer that nobody flushes (flushing "
                         "sends it).";
    }
    return "";
}

/// Finds out by trying why nothing has come.
std::string Talk::why_silent(const std::string& expected)
{
    if (!others_.empty()) {
        return why_silent_beside_others(expected);
    }
    if (const std::string why = served_on(server_.out()); peer_->ended() && !why.empty()) {
        return why;
    }
    if (peer_->ended()) {
        return why_closed(expected);
    }
    const bool welcome = expected == "Welcome!";
    if (const std::string found = since_when(server_); !found.empty()) {
        return found;
    }
    const std::string before = what_it_waits_in(welcome);
    for (const std::string& screen : {server_.out(), server_.err()}) {
        if (contains(screen, welcome ? expected : expected.substr(0, expected.size() - 1))) {
            return "It was printed on the server's own screen: it has to be sent to the client.";
        }
    }
    if (welcome) {
        if (const std::string found = why_no_welcome(); !found.empty()) {
            return found;
        }
    }
    const std::string found = what_brings_it(expected);
    return found.empty() ? before : found;
}

} // namespace lab
