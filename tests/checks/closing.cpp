// closing.cpp: why the server has closed where it should have answered, or has not closed where it
// should have: found out by trying.
#include "lines.hpp"
#include "process.hpp"
#include "replay.hpp"
#include "talk.hpp"
#include "text.hpp"

#include <utility>
#include <vector>

namespace lab
{

/// Finds out why the connection was closed, or reset, where an answer should have come.
std::string Talk::why_closed(const std::string& expected)
{
    if (half_closed_ && !peer_->was_reset()) {
        return "The client sent a name and then closed its sending side: the answer is still to be "
               "sent, and only then is the connection closed. (In Node, allowHalfOpen: true.)";
    }
    const bool welcome = expected == "Welcome!";
    if (const std::string found = welcome ? every_second_client(server_) : ""; !found.empty()) {
        return found;
    }
    if (const std::string found = since_when(server_); !found.empty()) {
        return found;
    }
    if (welcome) {
        return "The connection was closed without a welcome: the socket was closed, moved away or "
               "destroyed before the client's thread used it.";
    }
    const Seconds while_trying(server_.delay() + 0.4);
    Talk quiet(server_, true);
    if (quiet.peer_ && quiet.what_comes(Seconds(0.6)) == "Welcome!") {
        server_.until([&] { return quiet.peer_->has_news(); }, while_trying);
        if (static_cast<void>(quiet.peer_->receive_now()); quiet.peer_->ended()) {
            return "The connection is closed behind the welcome, before the client has said "
                   "anything: what comes there is the loop, which begins with recv and waits. (If "
                   "the socket does not block, recv returns -1 at once, and that is no end.)";
        }
        quiet.say("exit");
        if (const std::string came = quiet.what_comes(while_trying); contains(came, "Hello")) {
            return "exit is greeted, and a name ends the connection: the comparison with exit is "
                   "the wrong way round. (In C, strcmp and memcmp return 0 where the two are "
                   "equal.)";
        }
    }
    const std::string last = peer_->sent().back();
    if (peer_->sent().size() > 2 && serves(server_, last) &&
        ends_after(server_, peer_->sent().size() - 1)) {
        return fill("The first {count} messages were answered, and at the next one the connection "
                    "was closed, whatever it is: the loop has an end (a counter, a range). It ends "
                    "with exit, or when nothing is received.",
                    {{"count", std::to_string(peer_->sent().size() - 1)}});
    }
    if (last != "Yam" && serves(server_)) {
        return trimmed(last).empty()
                   ? "A message of blanks is taken for the end: it is stripped before it is looked "
                     "at. It is a name like any other."
               : std::string("exit").starts_with(last) ? diagnose_exit({last})
               : last == "0" ? "The name 0 is taken for the end: a text is tested for being true, "
                               "and \"0\" is false in this language. Test its length."
                             : "Other names are answered; this one is taken for the end, or an "
                               "error ends the thread.";
    }
    if (peer_->sent().size() > 1) {
        return "The first message was answered, and at the next one the connection was closed: is "
               "there a loop around recv and the answer, or does it end after the first round?";
    }
    return peer_->was_reset()
               ? "The connection was reset (RST): it was closed before this client's bytes had "
                 "been received."
               : "Whatever message comes, the connection is closed, as for exit: the comparison "
                 "with exit holds for each (in C strcmp is 0, and not 1, for equal texts; in Perl "
                 "== compares numbers), or what recv returned is taken for the end (which is 0, or "
                 "an empty string), or another variable is looked at than the one that recv "
                 "filled.";
}

/// Finds out with what exit is compared, where exit itself was greeted.
std::string Talk::what_is_taken_for_exit()
{
    const std::vector<std::pair<std::string, std::string>> trials = {
        {"exit\n", "exit with a newline behind it"},
        {"exit\r\n", "exit with \\r\\n behind it"},
        {std::string("exit\0", 5), "exit with a zero byte behind it"},
        {"EXIT", "EXIT"},
        {"quit", "quit"},
        {"b'exit'", "b'exit', as Python shows bytes"},
    };
    for (const auto& [bytes, name] : trials) {
        Talk client(server_, true);
        if (!client.peer_ || client.what_comes(Seconds(0.6)) != "Welcome!") {
            break;
        }
        client.say(bytes);
        if (client.what_comes(Seconds(server_.delay() + 0.4)).empty() && client.peer_->ended()) {
            return fill("{name} is taken for exit, and exit itself is greeted. The client sends "
                        "these 4 bytes alone.",
                        {{"name", name}});
        }
    }
    return "exit was greeted like a name: it is not compared with the bytes that recv returned, or "
           "in a way that never finds it. (In Python bytes never equal a str; in C and Java == "
           "compares where two texts stand, not the texts; two != with || between them hold for "
           "every text.)";
}

/// Finds out why the server has not just closed where it should have.
std::string Talk::why_not_the_end(const std::string& received, int others)
{
    const std::string last = peer_->sent().empty() ? "" : peer_->sent().back();
    if (peer_->was_reset()) {
        return "The connection was reset: it was closed while bytes from this client were unread, "
               "or with SO_LINGER set to 0 seconds, or the program ended.";
    }
    if (received.starts_with("Hello, !") || received.starts_with("Hello, b''!")) {
        return "The end was greeted like a name: when the client has closed, recv returns nothing "
               "(an empty string, 0), at once and each time. That is where the loop ends.";
    }
    if (contains(received, "exit") && last == "exit") {
        return peer_->ended()
                   ? "exit was greeted before the connection was closed: it is looked at too late."
                   : what_is_taken_for_exit();
    }
    if (!received.empty()) {
        return peer_->ended() ? "Something was sent before the connection was closed; the notebook "
                                "sends nothing."
                              : "";
    }
    if (server_.has_ended()) {
        return "";
    }
    const Activity activity = activity_of(server_.pid());
    auto waits = waits_of(server_.pid());
    if (waits["recv"] > others) {
        return last == "exit" && !half_closed_
                   ? "The server is in recv again: exit was not greeted, but the loop went on. "
                     "break leaves it."
                   : "The server is in recv again, so the loop went on: when recv returns nothing "
                     "(0, an empty string), the client has closed, and the loop ends.";
    }
    if (activity.runs) {
        return "A loop goes round and round: when the client has closed, recv returns nothing (0, "
               "an empty string), at once and each time. That is where the loop ends.";
    }
    const bool is_said = contains(server_.out(), closed(peer_->address())); // that it is closed
    if (!is_said && waits.contains("poll") && activity.threads == 1) {
        return "The program waits in select, poll or epoll and has not noticed: the client's "
               "socket is no longer among those that it waits for, or it waits for something new "
               "(EPOLLET) where not all that had come was received.";
    }
    if (!is_said && waits.contains("poll") && activity.processes == 1) {
        return "The connection is still open: the socket is not closed behind the loop; or its end "
               "was not noticed, since it is not among those that select, poll or epoll waits for "
               "(or not all that had come was received, with EPOLLET).";
    }
    if (activity.processes > 1 || forks(server_)) {
        return "The connection is still open: fork copies each descriptor (the number of an open "
               "socket), and a connection ends when all copies are closed. The parent closes its "
               "copy after fork, and the child its own after the loop.";
    }
    return "The loop was left, but the connection is still open: the socket that accept returned "
           "is closed after the loop, on every way out of it (return, exit and an exception pass "
           "by what stands behind the loop; in asyncio the writer is closed).";
}

} // namespace lab
