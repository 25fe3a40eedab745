#include "visit.hpp"
#include "tests/watch/text.hpp"

#include <sstream>

namespace lab
{
namespace
{

const std::string one_connection =
    "A second connection was opened: connect once, before the loop over the names.";

const std::string one_text =
    "Two names came in one send, as one text: a comma is missing between them (two texts that "
    "stand side by side are one), or both were sent without waiting for the answer to the first.";

const std::string behind_the_last =
    "The loop goes on behind the last name (<= for <, or a bound that is not the number of the "
    "names): a name that does not exist is sent, or an empty one, which has no answer.";

const std::string said_again = "The client sent the name a second time, before its answer had "
                               "come. TCP itself repeats what is lost; a client waits.";

const std::string all_at_once =
    "All was sent at once, without waiting for anything: the first recv stands before the first "
    "send, for the welcome, and each send is followed by a recv.";

const std::string said_before =
    "The message before was sent again, together with the next one: it still stands in what is "
    "sent (strcat, +=), or something that sends is added for each answer (a listener, a callback), "
    "and stays.";

const std::string too_few = "exit came where {name} should have come: the loop over the names ends "
                            "too early (its bound is one too small, or break stands in it), or a "
                            "name is left out.";

/// The client's command as a person types it.
std::string client_by_hand()
{
    return fill(is_foreign("CLIENT") && !is_marking() ? variable("CLIENT") : "./client",
                {{"port", "9999"}})
        .english();
}

} // namespace

Visit::Visit(Program::Output output)
    : listener_(client_port()), swapped_(try_to_listen(swapped())),
      six_(try_to_listen(listener_.port(), "::1")),
      notebook_(listener_.port() == 9999 ? nullptr : try_to_listen(9999)),
      client(client_command(listener_.port()), "", output)
{
} // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the listeners are members

testing::AssertionResult Visit::connects()
{
    client.until([&] { return listener_.has_client() || comes_elsewhere(); }, Seconds(1.5),
                 time_to_start);
    if (listener_.has_client()) {
        server.emplace(listener_.accept());
        return testing::AssertionSuccess();
    }
    Finding finding{
        "",
        fill("a connection to 127.0.0.1 port {port}", {{"port", std::to_string(listener_.port())}}),
        "none",
        "",
        line::connect,
        ""};
    if (swapped_ && swapped_->has_client()) {
        finding.received =
            fill("a connection to port {port}", {{"port", std::to_string(swapped())}});
        finding.diagnosis = diagnose_port(listener_.port(), swapped());
    } else if (notebook_ && notebook_->has_client()) {
        finding.received = "a connection to port 9999";
        finding.diagnosis = diagnose_port(listener_.port(), 9999);
    } else if (six_ && six_->has_client()) {
        finding.received = "a connection to the same port of ::1";
        finding.diagnosis = "::1 is IPv6; the notebook's address is 127.0.0.1, AF_INET.";
    }
    return fails(finding);
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
    std::string received = hear(client, *server, 1, Seconds(1.5));
    if (!received.empty()) {
        received += hear(client, *server, rest_of(expected, received), Seconds(0.7));
        eventually([&] { return server->has_news() && !server->ended(); }, Seconds(0.1));
        received += server->receive_now();
    }
    if (received == expected) {
        heard_ = received;
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
    const bool comes_again =
        received == "exit" && client.until([&] { return listener_.has_client(); }, Seconds(0.2));
    const Sentence pieces = takes_answers_in_pieces();
    const bool says_too_few = received == "exit" && expected != names.front();
    finding.diagnosis =
        comes_again                     ? one_connection
        : says_too_few                  ? fill(too_few, {{"name", expected}})
        : received == heard_ + expected ? said_before
        : !pieces.empty()               ? pieces
        : received.empty()              ? diagnose_said(client.err())
        : is_one_text(received)         ? one_text
        : received.starts_with(std::to_string(listener_.port()))
            ? "That is the port from the command line: the value of an option is taken for a name."
            : diagnose({server->sent(), expected, received, {}, next});
    if (finding.diagnosis.empty() && expected == "exit" && !received.empty()) {
        finding.diagnosis = behind_the_last;
    }
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
    const Sentence pieces = takes_answers_in_pieces();
    return fails({server->sent().empty() ? "nothing yet" : quote(server->sent().back()),
                  "nothing before the server's next message",
                  received.empty() ? "the end of the connection" : quote(received),
                  !known.empty()                                           ? known
                  : !pieces.empty()                                        ? pieces
                  : !heard_.empty() && received == heard_                  ? said_again
                  : server->sent().empty() && contains(received, "YamMay") ? all_at_once
                  : received.empty()                                       ? if_closed
                                                                           : diagnosis,
                  look_at,
                  fill("nc -l 127.0.0.1 9999 in the first terminal, where you are the server; and "
                       "in the second: {client}",
                       {{"client", client_by_hand()}})});
}

bool Visit::is_one_text(const std::string& received) const
{
    return server->sent().size() == 1 && received == "YamMay" && server->segments() == 1;
}

Sentence Visit::takes_answers_in_pieces() const
{
    const std::string answer = server->sent().empty() ? "" : server->sent().back();
    if (client.out().starts_with("\n")) {
        return "The client printed an empty line in the place of the welcome: recv returned "
               "nothing, at once, since the size that it was given is 0 (of an empty buffer).";
    }
    std::istringstream printed(client.out());
    for (std::string line; std::getline(printed, line);) {
        if (!line.empty() && line.size() < answer.size() && answer.starts_with(line)) {
            return fill("The client took {count} bytes, \"{line}\", for the answer: recv is given "
                        "that size, or takes less than has arrived, and the rest was taken for the "
                        "next answer. The notebook receives at most 1024.",
                        {{"count", std::to_string(line.size())}, {"line", line}});
        }
    }
    return "";
}

void Visit::gives_its_ports_back()
{
    listener_.close();
    swapped_.reset();
    six_.reset();
    notebook_.reset();
}

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

std::unique_ptr<Listener> Visit::try_to_listen(int port, const std::string& host)
{
    try {
        return std::make_unique<Listener>(port, host);
    } catch (const std::system_error&) { // it is taken: then it tells nothing
        return nullptr;
    }
}

bool Visit::comes_elsewhere() const
{
    return (swapped_ && swapped_->has_client()) || (six_ && six_->has_client()) ||
           (notebook_ && notebook_->has_client());
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
        [&] { return again.client.out().find("Welcome!") != std::string::npos; }, Seconds(0.5));
}

} // namespace lab
