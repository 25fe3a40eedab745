#include "visit.hpp"
#include "tests/watch/text.hpp"

#include <sstream>

namespace lab
{
namespace
{

/// The client's command as a person types it.
std::string client_by_hand()
{
    return fill(is_foreign("CLIENT") && !is_marking() ? variable("CLIENT") : "./client",
                {{"port", "9999"}})
        .english();
}

} // namespace

Visit::Visit(Program::Output output)
    : listener_(client_port()), client(client_command(listener_.port()), "", output)
{
}

testing::AssertionResult Visit::connects()
{
    client.until([&] { return listener_.has_client(); }, times::silence, times::to_start);
    if (listener_.has_client()) {
        server.emplace(listener_.accept());
        return testing::AssertionSuccess();
    }
    return fails({"",
                  fill("a connection to 127.0.0.1 port {port}",
                       {{"port", std::to_string(listener_.port())}}),
                  "none", diagnose_said(client.err()), line::connect, ""});
}

testing::AssertionResult Visit::fails(Finding finding)
{
    if (finding.by_hand.empty()) {
        finding.by_hand = fill("./server in the first terminal, and in the second: {client}",
                               {{"client", client_by_hand()}});
    }
    return not_yet(client, "client", finding,
                   departure_of_client(client.calls(), listener_.port()));
}

testing::AssertionResult Visit::hears(const std::string& expected, const std::string& look_at,
                                      const std::vector<std::string>& next)
{
    std::string received = hear(client, *server, 1, times::silence);
    if (!received.empty()) {
        received += hear(client, *server, rest_of(expected, received), times::rest);
        eventually([&] { return server->has_news() && !server->ended(); }, times::delayed);
        received += server->receive_now();
    }
    heard_ = received;
    if (received == expected || received == message_of(expected)) {
        return testing::AssertionSuccess();
    }
    const Sentence said = server->sent().empty() ? "nothing" : quote(server->sent().back());
    Finding finding{said, quote(expected), received.empty() ? "nothing" : quote(received),
                    "",   look_at,         ""};
    if (server->ended()) {
        finding.received = fill(server->was_reset() ? "{bytes}, and then a reset (RST)"
                                                    : "{bytes}, and then the end of the connection",
                                {{"bytes", finding.received}});
    }
    finding.diagnosis = received.empty() ? diagnose_said(client.err())
                                         : diagnose({server->sent(), expected, received, {}, next});
    return fails(finding);
}

testing::AssertionResult Visit::hears_nothing_for(Seconds time, const std::string& look_at,
                                                  const std::string& diagnosis,
                                                  const std::string& if_closed)
{
    if (!server->has_news(time)) {
        return testing::AssertionSuccess();
    }
    const std::string received = server->receive_now();
    const Sentence known = received.empty() ? diagnose_said(client.err()) : "";
    return fails({server->sent().empty() ? "nothing yet" : quote(server->sent().back()),
                  "nothing before the server's next message",
                  received.empty() ? "the end of the connection" : quote(received),
                  !known.empty()     ? known
                  : received.empty() ? if_closed
                                     : diagnosis,
                  look_at,
                  fill("nc -l 127.0.0.1 9999 in the first terminal, where you are the server; and "
                       "in the second: {client}",
                       {{"client", client_by_hand()}})});
}

void Visit::gives_its_ports_back() { listener_.close(); }

testing::AssertionResult Visit::converses(std::size_t count)
{
    if (const auto connected = connects(); !connected) {
        return connected;
    }
    server->say("Welcome!");
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<std::string> next(names.begin() + static_cast<long>(i) + 1, names.end());
        next.emplace_back("exit");
        if (const auto heard = hears(names[i], line::send, next); !heard) {
            return heard;
        }
        server->say("Hello, " + names[i] + "!");
    }
    return testing::AssertionSuccess();
}

bool Visit::prints_at_once()
{
    gives_its_ports_back();
    Visit again(Program::Output::terminal);
    if (!again.connects()) {
        return false;
    }
    again.server->say("Welcome!");
    return again.client.until(
        [&] { return again.client.out().find("Welcome!") != std::string::npos; }, times::soon);
}

} // namespace lab
