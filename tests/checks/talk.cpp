#include "talk.hpp"
#include "replay.hpp"
#include "text.hpp"

#include <algorithm>
#include <cctype>
#include <system_error>

namespace lab
{
namespace
{

/// How long a server may be at rest before nothing more is expected of it, where it should be doing
/// something. A server that takes the notebook's second, whatever it was asked for, is not silent.
Seconds silence(const Server& server) { return Seconds(std::max(server.delay() + 0.8, 1.3)); }
const Seconds for_the_rest{0.7}; ///< where a part of the answer is there

} // namespace

namespace
{

/// A command that prints these bytes.
std::string printf_of(const std::string& bytes)
{
    if (bytes.size() > 64) {
        return fill("head -c {count} /dev/zero | tr '\\0' x",
                    {{"count", std::to_string(bytes.size())}});
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
        return "nc 127.0.0.1 {port}";
    }
    std::string text;
    constexpr std::size_t most = 3; // the last ones show it
    for (std::size_t i = messages.size() - std::min(most, messages.size()); i < messages.size();
         ++i) {
        text += (text.empty() ? "" : "; ") + printf_of(messages[i]) + "; sleep 2";
    }
    return "(" + text + ") | nc -q0 127.0.0.1 {port} | od -c";
}

Talk::Talk(Server& server, bool quick) : server_(server), quick_(quick)
{
    if (!server.listens()) {
        return;
    }
    said_before_ = server.err().size();
    ++server.visitors;
    try {
        peer_.emplace(Peer::to(server.port(), "127.0.0.1", Seconds(2)));
    } catch (const std::system_error&) { // is_connected tells
    }
}

testing::AssertionResult Talk::fails(Finding finding)
{
    if (finding.sent.empty()) {
        finding.sent = what_was_sent();
    }
    return not_yet(server_, "server", finding);
}

std::string Talk::what_was_sent() const
{
    const std::string last = peer_->sent().empty() ? "nothing" : quote(peer_->sent().back());
    return fill(half_closed_ ? "{bytes}, and then the end of this side" : "{bytes}",
                {{"bytes", last}});
}

/// All that comes within `limit`, which ends early when something has come and then nothing more.
std::string Talk::what_comes(Seconds limit)
{
    std::string received = hear(server_, *peer_, 1, limit);
    eventually(
        [&] {
            received += peer_->receive_now();
            return peer_->ended();
        },
        Seconds(0.1));
    return received;
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
        received += hear(server_, *peer_, rest_of(expected, received), for_the_rest);
        // What is sent besides, in a send of its own, comes within the 40 ms of a delayed
        // acknowledgement.
        eventually([&] { return peer_->has_news() && !peer_->ended(); },
                   Seconds(quick_ ? 0 : 0.06));
        received += peer_->receive_now();
    }
    const long pieces = peer_->segments() - segments;
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
    if (received.empty()) {
        eventually([&] { return server_.has_ended(); }, Seconds(0.1));
        finding.sent = what_was_sent(); // before other things are tried
        const std::string said = diagnose_said(server_.err().substr(said_before_));
        if (said.empty() && !peer_->sent().empty() && peer_->sent().back().size() > 64) {
            finding.diagnosis = from_which_length(server_, peer_->sent().back().size());
        }
        if (finding.diagnosis.empty()) {
            finding.diagnosis = server_.has_ended() ? ""
                                : !said.empty()     ? said
                                                    : why_silent(expected);
        }
        return fails(finding);
    }
    finding.sent = what_was_sent(); // before other things are tried
    const Exchange exchange{peer_->sent(), expected, received, others, {}, unanswered_};
    finding.diagnosis = came_unasked_ && !others_.empty() && received.starts_with("Hello")
                            ? "This came before the client had said anything: the answer to "
                              "another client was sent to this one, too. Each answer goes to the "
                              "client that it is for, and to no other."
                            : how_it_goes_on(exchange);
    if (finding.diagnosis.empty()) {
        finding.diagnosis = diagnose(exchange);
    }
    if (finding.diagnosis.empty() && peer_->ended() && expected.starts_with(received)) {
        finding.diagnosis = "The connection ended in the middle of the answer.";
    }
    return fails(finding);
}

/// What to type to see what this client saw.
std::string Talk::how_to_see_it() const
{
    if (half_closed_ && peer_->sent().size() == 1) { // nc, too, closes its side behind the message
        return printf_of(peer_->sent().back()) + " | nc -q2 127.0.0.1 {port} | od -c";
    }
    const std::string by = by_hand(peer_->sent());
    return others_.empty() ? by
                           : fill("{in_a_third}, in a third terminal; then: {by}",
                                  {{"in_a_third", "nc 127.0.0.1 {port}"}, {"by", by}});
}

/// For an answer that is wrong in a way that what comes next tells apart: the same one again and
/// again, without a new message.
std::string Talk::how_it_goes_on(const Exchange& exchange)
{
    const auto greeting = [](const std::string& name) { return "Hello, " + name + "!"; };
    const auto is_earlier = [&](const std::string& name) {
        return exchange.received == greeting(name);
    };
    const bool repeats = exchange.received.starts_with(exchange.expected + exchange.expected) ||
                         std::any_of(exchange.sent.begin(), exchange.sent.end(), is_earlier);
    if (!repeats || peer_->sent().empty() || peer_->ended() ||
        !server_.until([&] { return peer_->has_news(); }, Seconds(server_.delay() + 0.3))) {
        return "";
    }
    const std::string more = peer_->receive_now();
    return contains(more, "Hello, ")
               ? "The same greeting comes again and again, without a new message: recv stands "
                 "before the loop, where it belongs into the loop, or does not take the message "
                 "away (MSG_PEEK)."
               : "";
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

testing::AssertionResult Talk::sees_the_end(Cause cause, int others)
{
    std::string received = hear(server_, *peer_, 1, silence(server_));
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
    Finding finding{last.empty() ? "nothing"
                    : cause == by_exit
                        ? quote(last)
                        : fill("{bytes}, and the client closed its side", {{"bytes", quote(last)}}),
                    "the end of the connection, and nothing before it",
                    received.empty() ? "nothing" : quote(received),
                    "",
                    step::leave,
                    last == "exit" && peer_->sent().size() == 1
                        ? "printf exit | nc 127.0.0.1 {port}"
                    : last == "exit" ? by_hand(peer_->sent())
                    : last.empty()   ? "nc -q9 127.0.0.1 {port} </dev/null"
                                     : how_to_see_it(),
                    cause == by_exit ? "session" : "half-close"};
    if (peer_->was_reset()) {
        finding.received = fill("{bytes}, and a reset (RST) where an end (FIN) was expected",
                                {{"bytes", finding.received}});
    } else if (received.empty() && !peer_->ended()) {
        finding.received = "nothing, and the connection is still open";
    }
    finding.diagnosis = why_not_the_end(received, others);
    return fails(finding);
}

testing::AssertionResult Talk::hears_nothing_for(Seconds time, const std::string& diagnosis,
                                                 const std::string& if_closed)
{
    if (!peer_->has_news(time)) {
        return testing::AssertionSuccess();
    }
    const std::string received = peer_->receive_now();
    eventually([&] { return server_.has_ended(); }, Seconds(0.1)); // that would be the cause
    const std::string said =
        received.empty() ? diagnose_said(server_.err().substr(said_before_)) : "";
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
