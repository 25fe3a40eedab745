#include "talk.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <cctype>
#include <system_error>

namespace lab
{
namespace
{

/// How long a server may be at rest before nothing more is expected of it, where it should be doing
/// something. A server that takes the notebook's second, whatever it was asked for, is not silent.
Seconds silence(const Server& server)
{
    return std::max(Seconds(server.delay()) + times::a_second, times::silence);
}

} // namespace

namespace
{

/// A command that prints these bytes.
std::string printf_of(const std::string& bytes)
{
    if (bytes.size() > 64) {
        return fill("head -c {count} /dev/zero | tr '\\0' x",
                    {{"count", std::to_string(bytes.size())}})
            .english();
    }
    std::string text;
    bool plain = true;
    for (const char byte : bytes) {
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
    return "printf " + (plain ? text : "'" + text + "'");
}

} // namespace

std::string by_hand(const std::vector<std::string>& messages)
{
    if (messages.empty() || messages.back().empty()) {
        return "nc 127.0.0.1 9999";
    }
    std::string text;
    constexpr std::size_t most = 3; // the last ones show it
    for (std::size_t i = messages.size() - std::min(most, messages.size()); i < messages.size();
         ++i) {
        text += (text.empty() ? "" : "; ") + printf_of(messages[i]) + "; sleep 2";
    }
    return "(" + text + ") | nc -q0 127.0.0.1 9999 | od -c";
}

Talk::Talk(Server& server, bool quick) : server_(server), quick_(quick)
{
    if (!server.listens()) {
        return;
    }
    said_before_ = server.err().size();
    try {
        peer_.emplace(Peer::to(server.port(), "127.0.0.1", times::to_connect));
    } catch (const std::system_error&) { // is_connected tells
    }
}

testing::AssertionResult Talk::fails(Finding finding)
{
    if (finding.sent.empty()) {
        finding.sent = what_was_sent();
    }
    const bool is_unanswered = finding.received == "nothing" ||
                               finding.received == "nothing, and the connection is still open";
    return not_yet(server_, "server", finding, departure(is_unanswered));
}

std::optional<Departure> Talk::departure(bool is_unanswered) const
{
    const bool has_said = peer_ && !peer_->sent().empty();
    return departure_of_server(server_.calls(),
                               {server_.port(), Seconds(server_.delay()), is_unanswered && has_said,
                                peer_ ? port_of(*peer_) : 0});
}

std::vector<Seconds> Talk::pauses() const { return pauses_of(server_.calls(), port_of(*peer_)); }

Sentence Talk::what_was_sent() const
{
    const Sentence last = peer_->sent().empty() ? "nothing" : quote(peer_->sent().back());
    return fill(half_closed_ ? "{bytes}, and then the end of this side" : "{bytes}",
                {{"bytes", last}});
}

testing::AssertionResult Talk::hears(const std::string& expected, const std::string& look_at,
                                     const std::vector<std::string>& others)
{
    if (const auto connected = is_connected(); !connected) {
        return connected;
    }
    const long segments = peer_->segments();
    std::string received = hear(server_, *peer_, 1, silence(server_));
    if (!received.empty()) {
        received += hear(server_, *peer_, rest_of(expected, received), times::rest);
        // What is sent besides, in a send of its own, comes within the 40 ms of a delayed
        // acknowledgement.
        eventually([&] { return peer_->has_news() && !peer_->ended(); },
                   quick_ ? Seconds(0) : times::delayed);
        received += peer_->receive_now();
    }
    const long pieces = peer_->segments() - segments;
    heard_ = received;
    Finding finding{"", quote(expected), received.empty() ? "nothing" : quote(received),
                    "", look_at,         how_to_see_it()};
    if (peer_->ended() && received != expected) {
        finding.received = fill(peer_->was_reset() ? "{bytes}, and then a reset (RST)"
                                                   : "{bytes}, and then the end of the connection",
                                {{"bytes", finding.received}});
    }
    if (received == expected) {
        if (segments < 0 || pieces <= 1) {
            unanswered_ -= unanswered_ > 0 ? 1 : 0;
            return testing::AssertionSuccess();
        }
        finding.received = fill("{bytes} in {count} pieces",
                                {{"bytes", finding.received}, {"count", std::to_string(pieces)}});
        finding.diagnosis = "The answer came in several pieces, from several sends. A client that "
                            "receives once, as the notebook's does, gets only the first. Put the "
                            "answer together and send it in one.";
        return fails(finding);
    }
    finding.sent = what_was_sent();
    if (received.empty()) {
        eventually([&] { return server_.has_ended(); }, times::moment);
        finding.diagnosis = diagnose_said(server_.err().substr(said_before_));
        return fails(finding);
    }
    const Exchange exchange{peer_->sent(), expected, received, others, {}, unanswered_};
    finding.diagnosis = came_unasked_ && !others_.empty() && received.starts_with("Hello")
                            ? "This came before the client had said anything: the answer to "
                              "another client was sent to this one, too. Each answer goes to the "
                              "client that it is for, and to no other."
                            : diagnose(exchange);
    if (finding.diagnosis.empty() && peer_->ended() && expected.starts_with(received)) {
        finding.diagnosis = "The connection ended in the middle of the answer.";
    }
    return fails(finding);
}

/// What to type to see what this client saw.
Sentence Talk::how_to_see_it() const
{
    if (half_closed_ && peer_->sent().size() == 1) { // nc, too, closes its side behind the message
        return printf_of(peer_->sent().back()) + " | nc -q2 127.0.0.1 9999 | od -c";
    }
    const std::string by = by_hand(peer_->sent());
    return others_.empty() ? by
                           : fill("{in_a_third}, in a third terminal; then: {by}",
                                  {{"in_a_third", "nc 127.0.0.1 9999"}, {"by", by}});
}

/// What it looks like that something came, or a reset, where the end should have.
std::string what_came_for_the_end(const Peer& peer, const std::string& received)
{
    const std::string last = peer.sent().empty() ? "" : peer.sent().back();
    if (peer.was_reset()) {
        return "The connection was reset: it was closed while bytes from this client were unread, "
               "or with SO_LINGER set to 0 seconds, or the program ended.";
    }
    if (received.starts_with("Hello, !") || received.starts_with("Hello, b''!")) {
        return "The end was greeted like a name: when the client has closed, recv returns nothing "
               "(an empty string, 0), at once and each time. That is where the loop ends.";
    }
    if (contains(received, "exit") && last == "exit") {
        return peer.ended()
                   ? "exit was greeted before the connection was closed: it is looked at too late."
                   : "exit was greeted like a name: it is not compared with the bytes that recv "
                     "returned, or in a way that never finds it. (In Python bytes never equal a "
                     "str; in C and Java == compares where two texts stand, not the texts; two != "
                     "with || between them hold for every text.)";
    }
    return !received.empty() && peer.ended()
               ? "Something was sent before the connection was closed; the notebook sends nothing."
               : "";
}

testing::AssertionResult Talk::is_welcomed()
{
    return welcome_text().empty() ? is_connected() : hears(welcome_text(), step::welcome, {});
}

testing::AssertionResult Talk::hears_greeting(const std::string& name,
                                              const std::vector<std::string>& others,
                                              const std::string& look_at)
{
    return hears(greeting_of(name), look_at, others);
}

testing::AssertionResult Talk::is_greeted(const std::string& name,
                                          const std::vector<std::string>& others,
                                          const std::string& look_at)
{
    say(name);
    return hears_greeting(name, others, look_at);
}

Talk::Cause Talk::goes(Cause cause)
{
    const bool by_word =
        cause == by_exit ? !is_found("exit is greeted") : is_found("the end is not noticed");
    by_word ? say("exit") : half_close();
    return by_word ? by_exit : by_closing;
}

testing::AssertionResult Talk::sees_the_end(Cause cause)
{
    const bool is_left_open = is_found("no end");
    std::string received =
        hear(server_, *peer_, 1, is_left_open ? times::moment : silence(server_));
    eventually(
        [&] {
            received += peer_->receive_now();
            return peer_->ended();
        },
        received.empty() ? Seconds(0) : times::moment);
    heard_ = received;
    if (received.empty() && (peer_->ended() || is_left_open) && !peer_->was_reset()) {
        return testing::AssertionSuccess();
    }
    const std::string last = peer_->sent().empty() ? "" : peer_->sent().back();
    Finding finding{last.empty() ? "nothing"
                    : cause == by_exit
                        ? quote(last)
                        : fill("{bytes}, and the client closed its side", {{"bytes", quote(last)}}),
                    "the end of the connection, and nothing before it",
                    received.empty() ? "nothing" : quote(received),
                    "",
                    step::leave,
                    last == "exit" && peer_->sent().size() == 1 ? "printf exit | nc 127.0.0.1 9999"
                    : last == "exit"                            ? by_hand(peer_->sent())
                    : last.empty()                              ? "nc -q9 127.0.0.1 9999 </dev/null"
                                                                : how_to_see_it(),
                    cause == by_exit ? "session" : "half-close"};
    if (peer_->was_reset()) {
        finding.received = fill("{bytes}, and a reset (RST) where an end (FIN) was expected",
                                {{"bytes", finding.received}});
    } else if (received.empty() && !peer_->ended()) {
        finding.received = "nothing, and the connection is still open";
    }
    finding.diagnosis = what_came_for_the_end(*peer_, received);
    return fails(finding);
}

testing::AssertionResult Talk::hears_nothing_for(Seconds time, const std::string& diagnosis,
                                                 const std::string& if_closed)
{
    if (!peer_->has_news(time)) {
        return testing::AssertionSuccess();
    }
    const std::string received = peer_->receive_now();
    eventually([&] { return server_.has_ended(); }, times::moment); // that would be the cause
    const Sentence said = received.empty() ? diagnose_said(server_.err().substr(said_before_)) : "";
    return fails({"", "nothing, with the connection open",
                  received.empty()
                      ? (peer_->was_reset() ? "a reset (RST)" : "the end of the connection")
                      : quote(received),
                  !said.empty()                            ? said
                  : received.empty() && !if_closed.empty() ? if_closed
                                                           : diagnosis,
                  step::recv, by_hand("")});
}

} // namespace lab
