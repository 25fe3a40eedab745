#include "visit.hpp"
#include "process.hpp"

#include <algorithm>

namespace lab
{
namespace
{

const std::string one_connection =
    "A second connection was opened: connect once, before the loop over the names.";

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
    client.until([&] { return listener_.has_client() || comes_elsewhere(); }, Seconds(1.5));
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
    } else if (!client.has_ended()) {
        const auto waits = waits_of(client.pid());
        const auto in = [&](const std::string& call) {
            return std::count(waits.begin(), waits.end(), call) > 0;
        };
        finding.diagnosis =
            in("accept") ? "It waits in accept, as a server does. A client calls connect."
            : in("read") ? "It waits for input from the keyboard. The notebook's client asks "
                           "for nothing."
            : in("recv") ? "It waits in recv, but has not connected over TCP. Was the socket "
                           "made with SOCK_STREAM, and is connect called?"
                         : "";
    }
    return fails(finding);
}

testing::AssertionResult Visit::fails(Finding finding)
{
    if (finding.by_hand.empty()) {
        finding.by_hand =
            fill("./server in the first terminal, and in the second: {client}",
                 {{"client",
                   fill(is_foreign("CLIENT") && !is_marking() ? variable("CLIENT") : "./client",
                        {{"port", "9999"}})}});
    }
    return not_yet(client, "client", finding);
}

testing::AssertionResult Visit::hears(const std::string& expected, const std::string& look_at,
                                      const std::vector<std::string>& next)
{
    std::string received;
    const auto listen = [&] { received += server->receive_now(); };
    client.until(
        [&] {
            listen();
            return !received.empty() || server->ended();
        },
        Seconds(1.5));
    if (!received.empty()) {
        client.until(
            [&] {
                listen();
                return received.size() >= expected.size() || server->ended();
            },
            Seconds(0.7));
        eventually([&] { return server->has_news() && !server->ended(); }, Seconds(0.1));
        listen();
    }
    if (received == expected) {
        return testing::AssertionSuccess();
    }
    const std::string said = server->sent().empty() ? "nothing" : quote(server->sent().back());
    Finding finding{said, quote(expected), received.empty() ? "nothing" : quote(received),
                    "",   look_at,         ""};
    if (server->ended()) {
        finding.received = fill(server->was_reset() ? "{bytes}, and then a reset (RST)"
                                                    : "{bytes}, and then the end of the connection",
                                {{"bytes", finding.received}});
    }
    const bool comes_again =
        received == "exit" && client.until([&] { return listener_.has_client(); }, Seconds(0.2));
    finding.diagnosis = comes_again        ? one_connection
                        : received.empty() ? why_silent(expected)
                        : received.starts_with(std::to_string(listener_.port()))
                            ? "That is the port from the command line: the value of an option "
                              "is taken for a name."
                            : diagnose({server->sent(), expected, received, {}, next});
    return fails(finding);
}

testing::AssertionResult Visit::hears_nothing_for(Seconds time, const std::string& look_at,
                                                  const std::string& diagnosis)
{
    if (!server->has_news(time)) {
        return testing::AssertionSuccess();
    }
    const std::string received = server->receive_now();
    if (const std::string known = diagnose_said(client.err()); received.empty() && !known.empty()) {
        return fails({"", "nothing before the server's next message", "the end of the connection",
                      known, look_at, ""});
    }
    const std::string said = server->sent().empty() ? "nothing yet" : quote(server->sent().back());
    return fails({said, "nothing before the server's next message",
                  received.empty() ? "the end of the connection" : quote(received),
                  received.empty() ? "The connection was closed before the conversation was over."
                                   : diagnosis,
                  look_at, ""});
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

/// Does a newline help, more than 1,024 bytes, the end?
std::string Visit::found_by_trying()
{
    struct Trial {
        std::string bytes; ///< none: the end
        std::string meaning;
    };
    const std::vector<Trial> trials = {
        {"\n", "The message came only after the server had sent a newline: the client reads lines "
               "(readline, getline, fgets), and the server sends none. recv returns what has "
               "arrived."},
        {std::string(1100, 'x'),
         "The message came only after more than 1,024 bytes: the client waits until a buffer is "
         "full (read, MSG_WAITALL, a loop). recv returns what has arrived."},
        {"", "The message came only after the server had ended its side: the client receives until "
             "the end, where one recv is one answer."},
    };
    if (server->sent().size() != 1) {
        return ""; // later than after the welcome, what it waits for cannot be a newline
    }
    for (const auto& [bytes, meaning] : trials) {
        bytes.empty() ? server->half_close() : static_cast<void>(server->say(bytes));
        client.until([&] { return server->has_news(); }, Seconds(0.5));
        eventually([&] { return server->ended(); }, Seconds(0.05));
        const std::string came = server->receive_now();
        if (contains(came, "YamMay") && (!bytes.empty() || prints_at_once())) {
            return "What the client writes stays in a buffer, and came all together: flush it "
                   "after each message.";
        }
        if (!came.empty()) {
            return meaning;
        }
    }
    return "";
}

std::string Visit::why_silent(const std::string& expected)
{
    if (listener_.has_client()) {
        return one_connection;
    }
    if (const std::string said = diagnose_said(client.err()); !said.empty()) {
        return said;
    }
    if (server->ended()) {
        return expected == "exit" ? "The connection was closed without exit."
                                  : "The connection was closed before the conversation was "
                                    "over: is there a loop over all the names?";
    }
    if (client.has_ended()) {
        return "";
    }
    if (const std::string found = found_by_trying(); !found.empty()) {
        return found;
    }
    const auto waits = waits_of(client.pid());
    if (std::count(waits.begin(), waits.end(), "recv") +
            std::count(waits.begin(), waits.end(), "read") >
        0) {
        return "It waits in recv: nothing was sent, or what was sent is still in a buffer "
               "(flush it).";
    }
    return "";
}

} // namespace lab
