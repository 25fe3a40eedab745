#include "talk.hpp"
#include "process.hpp"

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

testing::AssertionResult Talk::sees_the_end(Cause cause, int others)
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
    Finding finding{last.empty() ? "nothing"
                    : cause == by_exit
                        ? quote(last)
                        : fill("{bytes}, and the client closed its side", {{"bytes", quote(last)}}),
                    "the end of the connection, and nothing before it",
                    received.empty() ? "nothing" : quote(received),
                    "",
                    step::leave,
                    by_hand(last)};
    if (peer_->was_reset()) {
        finding.received = fill("{bytes}, and a reset (RST) where an end (FIN) was expected",
                                {{"bytes", finding.received}});
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
                       ? "The server is in recv again, so the loop went on. Is exit compared with "
                         "exactly the bytes received, without a newline or a zero byte?"
                       : "The server is in recv again, so the loop went on: when recv returns "
                         "nothing (0, an empty string), the client has closed, and the loop ends.")
                : "The connection is still open: is the socket closed after the loop (the "
                  "client's, not the listening one), on every way out of it, in every process and "
                  "by every object that has it?";
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
