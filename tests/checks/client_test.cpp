// The greeting client as the notebook has it, seen from a server that the test plays itself: one
// test for each check of the exercise. They hold for every client that keeps the notebook's
// contract, in any language: make test CLIENT='python3 my.py'.
#include "diagnosis.hpp"
#include "finding.hpp"
#include "harness.hpp"
#include "process.hpp"

#include <algorithm>
#include <memory>
#include <optional>

using namespace lab;

namespace
{

const std::vector<std::string> names = {"Yam", "May", "Sarah"};

namespace line
{
const std::string connect = "step 5: s = socket.socket(...) and s.connect(('127.0.0.1', 9999))";
const std::string welcome = "step 5: print(s.recv(1024).decode('utf-8')), before the loop";
const std::string send = "step 5: for data in [b'Yam', b'May', b'Sarah']: s.send(data)";
const std::string print = "step 5: print(s.recv(1024).decode('utf-8')), after each send";
const std::string leave = "step 5: s.send(b'exit') and s.close()";
} // namespace line

const std::string one_connection =
    "A second connection was opened: connect once, before the loop over the names.";

/// The client that is judged, and the test as its server.
class Visit
{
  public:
    explicit Visit(Program::Output output = Program::Output::file)
        : listener_(client_port()), swapped_(try_to_listen(swapped())),
          six_(try_to_listen(listener_.port(), "::1")),
          notebook_(listener_.port() == 9999 ? nullptr : try_to_listen(9999)),
          client(client_command(listener_.port()), "", output)
    {
    } // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the listeners are members

    testing::AssertionResult connects()
    {
        client.until([&] { return listener_.has_client() || comes_elsewhere(); }, Seconds(1.5));
        if (listener_.has_client()) {
            server.emplace(listener_.accept());
            return testing::AssertionSuccess();
        }
        const std::string there = "127.0.0.1 port " + std::to_string(listener_.port());
        Finding finding{"", "a connection to " + there, "none", "", line::connect, ""};
        if (swapped_ && swapped_->has_client()) {
            finding.received = "a connection to port " + std::to_string(swapped());
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

    testing::AssertionResult fails(Finding finding)
    {
        if (finding.by_hand.empty()) {
            finding.by_hand =
                "./server in the first terminal, and in the second: " +
                fill_in(is_foreign("CLIENT") && !is_marking() ? variable("CLIENT") : "./client",
                        "{port}", "9999");
        }
        return not_yet(client, "client", finding);
    }

    /// Expects this message next, and nothing behind it. `next` are those that may come later.
    testing::AssertionResult hears(const std::string& expected, const std::string& look_at,
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
            finding.received += server->was_reset() ? ", and then a reset (RST)"
                                                    : ", and then the end of the connection";
        }
        const bool comes_again = received == "exit" &&
                                 client.until([&] { return listener_.has_client(); }, Seconds(0.2));
        finding.diagnosis = comes_again        ? one_connection
                            : received.empty() ? why_silent(expected)
                            : received.starts_with(std::to_string(listener_.port()))
                                ? "That is the port from the command line: the value of an option "
                                  "is taken for a name."
                                : diagnose({server->sent(), expected, received, {}, next});
        return fails(finding);
    }

    testing::AssertionResult hears_nothing_for(Seconds time, const std::string& look_at,
                                               const std::string& diagnosis)
    {
        if (!server->has_news(time)) {
            return testing::AssertionSuccess();
        }
        const std::string received = server->receive_now();
        if (const std::string known = diagnose_said(client.err());
            received.empty() && !known.empty()) {
            return fails({"", "nothing before the server's next message",
                          "the end of the connection", known, look_at, ""});
        }
        const std::string said =
            server->sent().empty() ? "nothing yet" : quote(server->sent().back());
        return fails({said, "nothing before the server's next message",
                      received.empty() ? "the end of the connection" : quote(received),
                      received.empty()
                          ? "The connection was closed before the conversation was over."
                          : diagnosis,
                      look_at, ""});
    }

    /// Gives the ports back: another visit of a client that knows only one port is possible.
    void gives_its_ports_back()
    {
        listener_.close();
        swapped_.reset();
        six_.reset();
        notebook_.reset();
    }

    /// The conversation as far as this many names.
    testing::AssertionResult converses(std::size_t count)
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

  private:
    static std::unique_ptr<Listener> try_to_listen(int port, const std::string& host = "127.0.0.1")
    {
        try {
            return std::make_unique<Listener>(port, host);
        } catch (const std::system_error&) { // it is taken: then it tells nothing
            return nullptr;
        }
    }
    int swapped() const { return (listener_.port() & 0xff) << 8 | listener_.port() >> 8; }
    bool comes_elsewhere() const
    {
        return (swapped_ && swapped_->has_client()) || (six_ && six_->has_client()) ||
               (notebook_ && notebook_->has_client());
    }

    /// True if this client prints the welcome when it has come: then it does not wait for the end.
    bool prints_at_once()
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

    std::string why_silent(const std::string& expected)
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
        const bool first =
            server->sent().size() == 1; // later, what it waits for cannot be a newline
        const auto comes = [&] {
            client.until([&] { return server->has_news(); }, Seconds(0.5));
            eventually([&] { return server->ended(); }, Seconds(0.05));
            return server->receive_now();
        };
        const auto tries = [&](const std::string& bytes,
                               const std::string& meaning) -> std::string {
            bytes.empty() ? server->half_close() : static_cast<void>(server->say(bytes));
            const std::string came = comes();
            if (came.find("YamMay") != std::string::npos && (!bytes.empty() || prints_at_once())) {
                return "What the client writes stays in a buffer, and came all together: flush it "
                       "after each message.";
            }
            return came.empty() ? "" : meaning;
        };
        std::string found;
        if (first) {
            found = tries("\n", "The message came only after the server had sent a newline: the "
                                "client reads lines (readline, getline, fgets), and the server "
                                "sends none. recv returns what has arrived.");
            found = !found.empty() ? found
                                   : tries(std::string(1100, 'x'),
                                           "The message came only after more than 1,024 bytes: the "
                                           "client waits until a buffer is full (read, "
                                           "MSG_WAITALL, a loop). recv returns what has arrived.");
            found =
                !found.empty()
                    ? found
                    : tries("", "The message came only after the server had ended its side: the "
                                "client receives until the end, where one recv is one answer.");
        }
        if (!found.empty()) {
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

    Listener listener_;
    std::unique_ptr<Listener> swapped_;
    std::unique_ptr<Listener> six_;
    std::unique_ptr<Listener> notebook_;

  public:
    Program client;
    std::optional<Peer> server; ///< the server's end of the connection, once there is one
};

TEST(NotebookClient, WaitsToBeWelcomed)
{
    Visit visit;
    REQUIRE(visit.connects());
    REQUIRE(visit.hears_nothing_for(
        Seconds(0.3), line::welcome,
        "The client spoke before it was welcomed: the first recv stands before the first send."));
}

TEST(NotebookClient, SendsOneNameAtATime)
{
    Visit visit;
    REQUIRE(visit.connects());
    visit.server->say("Welcome!");
    const std::string waits = "The next message came before the answer to the one before it: each "
                              "send is followed by a recv.";
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::vector<std::string> next(names.begin() + static_cast<long>(i) + 1, names.end());
        next.emplace_back("exit");
        REQUIRE(visit.hears(names[i], line::send, next));
        REQUIRE(visit.hears_nothing_for(Seconds(0.25), line::print, waits));
        visit.server->say("Hello, " + names[i] + "!");
    }
}

TEST(NotebookClient, PrintsWhatItReceives)
{
    const std::string look_at = line::print;
    Visit visit;
    REQUIRE(visit.connects());
    visit.server->say("Welcome!");
    REQUIRE(visit.hears("Yam", line::send, {"May", "Sarah", "exit"}));
    const bool at_once = visit.client.until(
        [&] { return visit.client.out().find('\n') != std::string::npos; }, Seconds(0.3));
    for (std::size_t i = 0; i < names.size(); ++i) {
        visit.server->say("Hello, " + names[i] + "!");
        if (i + 1 < names.size()) {
            REQUIRE(visit.hears(names[i + 1], line::send, {}));
        }
    }
    visit.client.until([&] { return visit.server->has_news(); }, Seconds(0.5)); // its good-bye
    visit.server->half_close(); // a client may wait for this
    visit.client.status(Seconds(1));
    const std::vector<std::string> lines = {"Welcome!", "Hello, Yam!", "Hello, May!",
                                            "Hello, Sarah!"};
    std::string expected;
    for (const std::string& each : lines) {
        expected += each + "\n";
    }
    const std::string out = visit.client.out();
    if (out != expected) {
        Finding finding{
            "", expected, out.empty() ? "nothing" : out, diagnose_lines(lines, out), look_at, ""};
        if (out.empty()) {
            finding.diagnosis = visit.client.err().find("Welcome!") != std::string::npos
                                    ? "The lines are on standard error. The notebook's print "
                                      "writes to standard output."
                                    : "Nothing is printed: each recv is inside a print.";
        }
        REQUIRE(visit.fails(finding));
    }
    if (!at_once) {
        visit.gives_its_ports_back();
        Visit again(Program::Output::terminal);
        REQUIRE(again.connects());
        again.server->say("Welcome!");
        const bool appears = again.client.until(
            [&] { return again.client.out().find("Welcome!\n") != std::string::npos; },
            Seconds(0.5));
        if (appears) { // as the notebook's own client does, it holds lines back in a file only
            RecordProperty("note", "In a file or a pipe, the lines come only in the end: they stay "
                                   "in a buffer. On a terminal they appear at once.");
            return;
        }
        REQUIRE(visit.fails({"\"Welcome!\" (8 bytes)",
                             "the line \"Welcome!\" before the client waits for the next answer",
                             "the line, but only later",
                             "The lines are printed only in the end: print each answer when it has "
                             "come (and flush it, if it stays in a buffer).",
                             look_at, ""}));
    }
}

TEST(NotebookClient, LeavesWithExit)
{
    Visit visit;
    REQUIRE(visit.converses(names.size()));
    REQUIRE(visit.hears("exit", line::leave, {}));
    visit.client.until([&] { return visit.server->has_news(); }, Seconds(0.3));
    visit.server->half_close(); // a client may wait for the server's end before it closes
    visit.client.until([&] { return visit.server->has_news(); }, Seconds(1));
    const std::string rest = visit.server->receive_now();
    if (!rest.empty() || !visit.server->ended()) {
        REQUIRE(visit.fails(
            {"the end of the connection", "the end of the connection",
             rest.empty() ? "nothing, and the connection is still open" : quote(rest),
             rest.empty()
                 ? "The client has said exit, the server has closed, and the client has not: does "
                   "a loop go on? At the end recv returns nothing (0, b''), at once and each time."
                 : "Something is sent behind exit.",
             line::leave, ""}));
    }
    const int status = visit.client.status(Seconds(1.5));
    if (status != 0) {
        REQUIRE(visit.fails(
            {"", "a client that ends, with exit status 0",
             status == -1 ? "a client that goes on" : "exit status " + std::to_string(status),
             status == -1 ? "The connection is closed, but the program does not end."
             : diagnose_end(visit.client, false).empty()
                 ? "What main returns is the exit status: 0 says that all went well."
                 : diagnose_end(visit.client, false),
             line::leave, ""}));
    }

    visit.gives_its_ports_back();
    Visit cut_short;
    REQUIRE(cut_short.converses(1));
    cut_short.server->close();
    if (cut_short.client.until([] { return false; }, Seconds(1)); !cut_short.client.has_ended()) {
        REQUIRE(cut_short.fails(
            {"\"Hello, Yam!\", and then the end of the connection", "a client that ends",
             "a client that goes on",
             cut_short.client.measure("ticks") > 30
                 ? "A loop goes round and round: when the server has closed, recv returns nothing "
                   "(0, b''), at once and each time. Nothing more will come then."
                 : "The server has gone, and the client waits on.",
             line::leave, ""}));
    }
    std::string nobody_there = client_command(1);
    if (client_port() == 0) {
        Program refused(nobody_there);
        if (refused.until([] { return false; }, Seconds(1)); refused.status(Seconds(0)) == 0) {
            REQUIRE(not_yet(
                refused, "client",
                {"", "without a server, an exit status that is not 0", "exit status 0",
                 "connect fails when nobody listens. A program that goes on as if it had not must "
                 "at least not say that all went well: look at what connect returns.",
                 line::connect, "./client, without a server; then: echo $?"}));
        }
    }
}

TEST(Notebook, TheTwoTogether)
{
    if (is_foreign("SERVER") != is_foreign("CLIENT")) {
        GTEST_SKIP() << "it takes both, SERVER and CLIENT";
    }
    Server server;
    server.listens();
    Program client(client_command(server.port()));
    client.status(Seconds(3 * server.delay() + 5));
    const std::vector<std::string> lines = {"Welcome!", "Hello, Yam!", "Hello, May!",
                                            "Hello, Sarah!"};
    const std::string expected = "Welcome!\nHello, Yam!\nHello, May!\nHello, Sarah!\n";
    if (client.out() != expected || client.status(Seconds(0)) != 0) {
        REQUIRE(not_yet(client, "client",
                        {"", expected, client.out().empty() ? "nothing" : client.out(),
                         diagnose_lines(lines, client.out()),
                         "steps 4 and 5, and the server, which " + server.fate(),
                         "./server, and in the second terminal: ./client"}));
    }
}

} // namespace
