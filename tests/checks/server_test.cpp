// The greeting server as the notebook has it, seen from outside: one test for each check of the
// exercise, in the notebook's order. They hold for every server that keeps the notebook's contract,
// in any language: make test SERVER='python3 my.py'.
#include "process.hpp"
#include "talk.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <thread>

using namespace lab;

namespace
{

double since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

/// True if what is missing on standard output appears when that is a terminal: then it is in a
/// buffer.
bool appears_on_a_terminal(const std::string& delay, const std::function<std::string(Server&)>& act)
{
    Server again(delay, "", "", Program::Output::terminal);
    const std::string line = act(again);
    return again.until([&] { return again.out().find(line) != std::string::npos; }, Seconds(0.3));
}

const std::string in_a_buffer =
    "The line is printed, but stays in a buffer: on a terminal it appears at once, in a file or a "
    "pipe only when the buffer is full or the program ends. Flush it: std::endl, fflush(stdout), "
    "flush=True, $| = 1.";

const std::string child_goes_on =
    "Child processes go on after their client has left: does each child exit when its client is "
    "served, or does it fall back into the loop around accept?";

// ---- Steps 1 to 3 -------------------------------------------------------------------------------

TEST(NotebookServer, WaitsForConnections)
{
    const std::string line = "Waiting for connection...";
    Finding finding{"",         quote(line + "\n") + " on standard output", "", "", step::listen,
                    "{nothing}"};
    finding.by_hand = "ss -ltn";
    {
        Server server;
        REQUIRE(Talk(server).is_connected());
    }
    Server server;
    server.listens();
    server.until([&] { return server.out().find(line + "\n") != std::string::npos; }, Seconds(0.4));
    REQUIRE(Talk(server).is_connected());
    const std::string out = server.out();
    if (out.starts_with(line + "\n")) { // the connection above may have been printed, too
        const auto sockets = listening_sockets_of(server.pid());
        if (std::any_of(sockets.begin(), sockets.end(), [](const ListeningSocket& socket) {
                return socket.address == "0.0.0.0" || socket.address == "::";
            })) {
            ::testing::Test::RecordProperty(
                "note", "It listens on every address of this machine (0.0.0.0), so that others can "
                        "reach it; the notebook's on 127.0.0.1 only.");
        }
        return;
    }
    finding.received = out.empty() ? "nothing" : quote(out);
    if (server.err().find(line) != std::string::npos) {
        finding.diagnosis =
            "The line is on standard error. The notebook's print writes to standard output.";
    } else if (!out.empty() && !out.starts_with("Accept")) {
        finding.diagnosis = diagnose_lines({line}, out.substr(0, out.find('\n') + 1));
    } else {
        server.signal(SIGKILL); // it may hold port 9999
        server.status();
        finding.diagnosis = appears_on_a_terminal("0", [&](Server&) { return line; })
                                ? in_a_buffer
                                : "The server listens, but the line is not printed.";
        Server alive; // the failure shall not speak of the one that the test has ended
        alive.listens();
        REQUIRE(not_yet(alive, "server", finding));
    }
    REQUIRE(not_yet(server, "server", finding));
}

// ---- Step 4 -------------------------------------------------------------------------------------

TEST(NotebookServer, WelcomesAClient)
{
    Server server("1");
    double quickest = 60;
    for (int i = 0; i < 3 && quickest > 0.35;
         ++i) { // a machine may be busy once, but not three times
        Talk client(server);
        REQUIRE(client.is_connected());
        const auto start = Clock::now();
        REQUIRE(client.is_welcomed());
        quickest = std::min(quickest, since(start));
        if (i == 0) {
            REQUIRE(client.hears_nothing_for(
                Seconds(0.15),
                "After the welcome it is the client's turn, and it has said nothing."));
        }
    }
    if (quickest > 0.35) {
        Talk client(server);
        REQUIRE(client.fails(
            {"nothing", "\"Welcome!\" at once",
             "\"Welcome!\" after " + std::to_string(quickest).substr(0, 4) + " seconds",
             "There is a pause before the welcome: the sleep belongs between recv and the answer.",
             step::welcome, by_hand("")}));
    }
}

TEST(NotebookServer, GreetsAName)
{
    Server server;
    Talk client(server);
    REQUIRE(client.is_welcomed());
    REQUIRE(client.is_greeted("Yam"));
}

/// Measures how long this server thinks before it greets, in seconds. Failure if it does not greet.
testing::AssertionResult measure_pause(Server& server, double& pause)
{
    Talk client(server, true);
    if (const auto welcomed = client.is_welcomed(); !welcomed) {
        return welcomed;
    }
    pause = 60;
    for (int i = 0; i < 2 && pause > server.delay() + 0.3; ++i) {
        const auto start = Clock::now();
        if (const auto greeted = client.is_greeted("Yam"); !greeted) {
            return greeted;
        }
        pause = std::min(pause, since(start));
    }
    return testing::AssertionSuccess();
}

testing::AssertionResult thinks(Server& server)
{
    double pause = 0;
    if (const auto measured = measure_pause(server, pause); !measured) {
        return measured;
    }
    const double expected = server.delay();
    const auto seconds = [](double value) {
        return std::to_string(value).substr(0, 4) + " seconds";
    };
    if (pause >= expected - 0.01 && pause < expected + 0.5) {
        return testing::AssertionSuccess();
    }
    Finding finding{quote("Yam"),
                    "the answer after a pause of " + seconds(expected),
                    "the answer after " + seconds(pause),
                    "",
                    step::pause,
                    by_hand("Yam")};
    if (expected < 1 && pause < expected) {
        Server another("1.3");
        double longer = 0;
        static_cast<void>(measure_pause(another, longer));
        finding.received +=
            longer > 0.9 ? "; after " + seconds(longer) + " when 1.3 were asked for" : "";
        finding.diagnosis =
            longer > 1.28 ? "The pause comes out too short."
            : longer > 0.9
                ? "The delay loses its fraction: 0.3 becomes 0, and 1.3 becomes 1. It is not a "
                  "whole number (int, atoi, sleep); use a double, and sleep_for or nanosleep."
                : "There is no pause between recv and the answer (or a much too short one: "
                  "milliseconds, where seconds are meant).";
    } else if (pause < expected) {
        finding.diagnosis = "There is no pause of a second between recv and the answer.";
    } else {
        finding.diagnosis =
            pause > 0.9 && pause < 1.5 && expected < 0.9
                ? "The pause is a second, whatever delay is asked for on the command line."
                : "The pause is longer than was asked for.";
    }
    return not_yet(server, "server", finding);
}

TEST(NotebookServer, GreetsAgain)
{
    {
        Server server;
        Talk client(server);
        REQUIRE(client.is_welcomed());
        for (const std::string name :
             {"Sarah", "Yam", "Al", "ex", "it"}) { // some shorter than before
            REQUIRE(client.is_greeted(name));
        }
    }
    Server server("0.3");
    REQUIRE(thinks(server));
}

/// Which of these messages the server takes for exit, though they are not, says what its comparison
/// does.
std::string diagnose_exit(const std::vector<std::string>& closed)
{
    const auto has = [&](const std::string& name) {
        return std::find(closed.begin(), closed.end(), name) != closed.end();
    };
    if (has("exits") && (has(" exit") || has("my exit"))) {
        return "exit is found anywhere in the message (in, contains, strstr, a regular "
               "expression). It is exit only if these four bytes are the whole message.";
    }
    if (has("exits") || has("exit!")) {
        return "A message that only begins with exit is taken for it (startswith, strncmp with 4). "
               "It is exit only if these four bytes are the whole message.";
    }
    if (has("my exit")) {
        return "A message that only ends with exit is taken for it.";
    }
    if (has("e") || has("exi")) {
        return "The beginning of exit is taken for exit: the comparison stops where the message "
               "does (strncmp with its length, or 'in'). Compare the lengths, too.";
    }
    if (has("Exit") || has("EXIT")) {
        return "Capital letters are taken for exit, too: the message is changed (lower), or "
               "compared without regard to case.";
    }
    if (has("exit\n") || has(" exit") || has("exit\r\n") || has("exit ")) {
        return "exit with a newline or a blank is taken for exit, too: the message is stripped "
               "before it is compared. Those are five bytes, and a name.";
    }
    return "Another message than exit is taken for it.";
}

TEST(NotebookServer, SaysGoodBye)
{
    Server server;
    for (const bool after_a_name : {false, true}) {
        Talk client(server);
        REQUIRE(client.is_welcomed());
        if (after_a_name) {
            REQUIRE(client.is_greeted("Sarah")); // longer than exit
        }
        client.say("exit");
        const auto ends = client.sees_the_end("");
        if (!ends && after_a_name && !server.has_ended()) {
            REQUIRE(client.fails(
                {"\"Sarah\", and then \"exit\" (4 bytes)",
                 "the end of the connection, and nothing before it", "an answer, or no end",
                 "exit as the first message is taken for it, but not after a longer name: the "
                 "buffer still holds the end of that name (\"exith\"). recv does not end a string: "
                 "use as many bytes as it returned.",
                 step::leave, by_hand("exit")}));
        }
        REQUIRE(ends);
        eventually([&] { return server.has_ended(); }, Seconds(0.1));
        if (server.has_ended()) {
            REQUIRE(client.fails(
                {quote("exit"), "the end of this connection, and a server that goes on",
                 "the end of the whole server",
                 "The exit of one client ended the whole server: exit(), sys.exit() or return "
                 "where the loop of one thread is meant to end (break).",
                 step::leave, by_hand("exit")}));
        }
    }
    std::vector<std::string> names = {"exits", "my exit", "exi", "Exit", "exit\n"};
    if (server.delay() == 0) {
        names.insert(names.end(), {"exit!", "e", "EXIT", " exit", "exit "});
    }
    std::vector<std::string> closed;
    std::optional<Talk> client;
    for (const std::string& name : names) {
        if (!client) {
            client.emplace(server, true);
            REQUIRE(client->is_welcomed());
        }
        client->say(name);
        server.until([&] { return client->peer().has_news(); }, Seconds(server.delay() + 1.3));
        if (client->peer().receive(name.size() + 8, Seconds(0.2)).empty() &&
            client->peer().ended()) {
            closed.push_back(name);
            client.reset();
        }
    }
    if (!closed.empty()) {
        Talk last(server);
        REQUIRE(last.is_connected());
        REQUIRE(last.fails(
            {quote(closed.front()), quote("Hello, " + closed.front() + "!"),
             "nothing, and the end of the connection",
             served_on(server.out()).empty() ? diagnose_exit(closed) : served_on(server.out()),
             step::leave, by_hand(closed.front())}));
    }
}

TEST(NotebookServer, NoticesWhoLeaves)
{
    Server server;
    server.listens();
    const long processes = activity_of(server.pid()).processes;
    {
        Talk client(server);
        REQUIRE(client.is_welcomed());
        client.peer().half_close();
        REQUIRE(client.sees_the_end(", and the client closed its side"));
    }
    {
        Talk hasty(server);
        REQUIRE(hasty.is_welcomed());
        hasty.say("Yam");
        hasty.half_close();
        REQUIRE(hasty.hears_greeting("Yam"));
        REQUIRE(hasty.sees_the_end(", and the client closed its side"));
    }
    {
        Talk leaver(server);
        REQUIRE(leaver.is_welcomed());
    }
    eventually([&] { return server.has_ended(); }, Seconds(0.2));
    Talk silent(server);
    REQUIRE(silent.is_welcomed());
    int looks = 0;
    int seen_at_work = 0;
    eventually(
        [&] {
            ++looks;
            seen_at_work += activity_of(server.pid()).runs ? 1 : 0;
            return silent.peer().has_news(Seconds(0.02)) || server.has_ended();
        },
        Seconds(2.3));
    const double share = static_cast<double>(seen_at_work) / looks;
    REQUIRE(silent.hears_nothing_for(
        Seconds(0), "A client that has said nothing yet was not left alone: the notebook's recv "
                    "waits, without a limit (no settimeout, no SO_RCVTIMEO)."));
    if (share > 0.5) {
        const bool children = activity_of(server.pid()).processes > processes + 1;
        REQUIRE(silent.fails(
            {"nothing", "a server that uses no CPU time while nobody says anything",
             "a server that was at work " + std::to_string(std::lround(share * 100)) +
                 " % of that time",
             children ? child_goes_on
                      : "A loop goes round and round without waiting: after a client has closed, "
                        "recv returns nothing at once, each time; or a socket does not block.",
             step::leave, "top"}));
    }
    if (!silent.is_greeted("May")) {
        REQUIRE(
            silent.fails({"\"May\" (3 bytes), after more than two seconds of silence",
                          quote("Hello, May!"), "no greeting",
                          "A client that says nothing for a while is not served any more: the "
                          "notebook's recv waits, without a limit (no settimeout, no SO_RCVTIMEO).",
                          step::recv, "nc 127.0.0.1 {port}, wait, then type a name"}));
    }
}

/// The lines that are printed about a client.
std::string accepted(const std::string& address)
{
    return "Accept new connection from " + address + "...";
}
std::string closed(const std::string& address) { return "Connection from " + address + " closed."; }

/// Why a line about a client is not as it should be.
std::string diagnose_address(const Server& server, const std::string& line,
                             const std::string& address, const std::string& other,
                             const std::string& expected)
{
    const std::string port = address.substr(address.find(':') + 1);
    const int number = std::stoi(port);
    const std::string swapped = std::to_string((number & 0xff) << 8 | number >> 8);
    const auto has = [&](const std::string& text) { return line.find(text) != std::string::npos; };
    if (has(other)) {
        return "The address is another client's: it is taken from a variable that all threads "
               "share (in the notebook, addr where the parameter is called adddr). Each thread has "
               "to use its own.";
    }
    if (has(":" + swapped) || has(swapped)) {
        return swapped + " is " + port +
               " with its two bytes swapped: ntohs turns the port into this machine's order.";
    }
    if (has("/" + address)) {
        return "There is a slash before the address: that is how Java shows an InetAddress. "
               "getHostAddress() is its text.";
    }
    if (has("::ffff:")) {
        return "The server listens on every address, IPv6 too, and shows clients of IPv4 as "
               "::ffff:... The notebook's listens on 127.0.0.1.";
    }
    if (has("('127.0.0.1'")) {
        return "The address is printed as a tuple. '%s:%s' % addr has its two parts, with a colon "
               "between them.";
    }
    if (has(":" + std::to_string(server.port()))) {
        return "The address is the server's own. The client's is what accept returns.";
    }
    if (has("0.0.0.0") || has(":0.") || has(":0 ")) {
        return "The address was never filled in: accept writes it where its second argument "
               "points, and needs the size in the third.";
    }
    if (line.find_first_of(std::string("\0\1\2\3\4\5\6\7\x10\x7f", 10)) != std::string::npos ||
        std::any_of(line.begin(), line.end(), [](char byte) { return (byte & 0x80) != 0; })) {
        return "What stands in the address's place is no text: is it memory that is used no more "
               "(freed, or of a function that has returned), or that was never filled in?";
    }
    if (!has(port)) {
        return "The client's address, " + address + ", is not in it.";
    }
    return diagnose_lines({expected}, line + "\n");
}

/// Waits for the last of these lines, which is about the client at `address`. Says what is wrong
/// with it, if it is.
testing::AssertionResult prints(Server& server, const std::vector<std::string>& expected,
                                const std::string& address, const std::string& other = "no other")
{
    const std::string& line = expected.back();
    if (server.until([&] { return server.out().find(line + "\n") != std::string::npos; },
                     Seconds(server.delay() + 0.5))) {
        return testing::AssertionSuccess();
    }
    Finding finding{"", quote(line), "", "", step::lines, "./client"};
    const std::string sign = line.substr(0, line.find(" from "));
    std::string similar;
    std::istringstream lines(server.out());
    for (std::string each; std::getline(lines, each);) {
        const bool is_another = std::find(expected.begin(), expected.end(), each) != expected.end();
        similar =
            similar.empty() && each.find(sign) != std::string::npos && !is_another ? each : similar;
    }
    finding.received = similar.empty() ? "no such line" : quote(similar);
    if (!similar.empty()) {
        finding.diagnosis = diagnose_address(server, similar, address, other, line);
    } else if (server.err().find(line) != std::string::npos) {
        finding.diagnosis =
            "The line is on standard error. The notebook's print writes to standard output.";
    } else if (server.out().find(closed(other)) != std::string::npos) {
        finding.received = quote(closed(other)) + ", of a client that is still connected";
        finding.diagnosis = diagnose_address(server, closed(other), address, other, line);
    } else if (!server.has_ended()) {
        server.signal(SIGKILL);
        server.status();
        const bool buffered = appears_on_a_terminal("0", [&](Server& again) {
            Talk client(again);
            static_cast<void>(client.is_welcomed());
            client.say("exit");
            static_cast<void>(client.sees_the_end(""));
            return sign + " from ";
        });
        finding.diagnosis = buffered ? in_a_buffer : "The line is not printed.";
        Server alive; // the failure shall not speak of the one that the test has ended
        alive.listens();
        return not_yet(alive, "server", finding);
    }
    return not_yet(server, "server", finding);
}

TEST(NotebookServer, PrintsWhoComesAndGoes)
{
    Server server;
    std::vector<std::string> expected = {"Waiting for connection..."};
    for (const bool by_exit : {true, false}) {
        Talk client(server);
        REQUIRE(client.is_welcomed());
        expected.push_back(accepted(client.address()));
        REQUIRE(prints(server, expected, client.address()));
        if (by_exit) {
            client.say("exit");
        } else {
            client.peer().half_close();
        }
        REQUIRE(client.sees_the_end(by_exit ? "" : ", and the client closed its side"));
        expected.push_back(closed(client.address()));
        REQUIRE(prints(server, expected, client.address()));
    }
    std::string all;
    for (const std::string& line : expected) {
        all += line + "\n";
    }
    if (server.out() != all) {
        REQUIRE(not_yet(server, "server",
                        {"", "the notebook's lines, in this order, and no others:\n" + all,
                         "\n" + server.out(), diagnose_lines(expected, server.out()), step::lines,
                         "./client"}));
    }
}

// ---- A thread for each client -------------------------------------------------------------------

const std::string by_value =
    "The threads share one variable: the loop's socket is handed over by its address (&sock, [&], "
    "a pointer, a global), and when the thread looks, the next client is already in it. Hand the "
    "socket and the address over by value.";

const std::string one_after_another =
    "The clients are greeted one after another: one waits for another's pause. No thread may hold "
    "a lock while it sleeps, and an event loop must not wait in the pause itself (setTimeout, "
    "await).";

/// Why some of them were not welcomed: finds out by waiting longer, and by letting some leave.
std::string why_not_all(Server& server, std::vector<std::optional<Peer>>& peers,
                        std::vector<std::string>& welcomes)
{
    const auto welcomed = [&] {
        std::size_t count = 0;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            welcomes[i] += peers[i] ? peers[i]->receive_now() : "";
            count += welcomes[i].empty() ? 0 : 1;
        }
        return count;
    };
    const auto waits = waits_of(server.pid());
    const auto comes_to = [&](std::size_t count) {
        return server.until([&] { return welcomed() >= count; }, Seconds(server.delay() + 1.2));
    };
    const std::size_t before = welcomed();
    if (comes_to(before + 1)) {
        return "They are not welcomed at once: the loop around accept does something else between "
               "two clients (a pause, or the work for one of them). It only starts threads.";
    }
    for (std::size_t i = 0; i < peers.size(); ++i) {
        if (peers[i] && !welcomes[i].empty()) {
            peers[i]->half_close(); // leaves
        }
    }
    if (before > 0 && comes_to(before + 1)) {
        return "Only " + std::to_string(before) + (before == 1 ? " client is" : " clients are") +
               " served at the same time; the next is welcomed when one has left. Is there a join, "
               "a lock, a pool, or a limit?";
    }
    const bool accepts = std::count(waits.begin(), waits.end(), "accept") > 0 ||
                         std::count(waits.begin(), waits.end(), "poll") > 0;
    return accepts || waits.empty()
               ? "Not all of them were welcomed. Does each get its own socket, and a thread?"
               : "Not all of them were welcomed, and nobody waits in accept any more: the loop "
                 "around accept has ended (a counter, a break), or waits for something else.";
}

/// Clients that come while the server is stopped for a moment: it finds them all at once.
testing::AssertionResult serves_five_in_one_instant(Server& server)
{
    std::vector<std::thread> arrivals;
    std::vector<std::optional<Peer>> peers(5);
    kill(-server.pid(), SIGSTOP);
    for (std::optional<Peer>& peer : peers) {
        arrivals.emplace_back([&] {
            try {
                peer.emplace(Peer::to(server.port(), "127.0.0.1", Seconds(2)));
            } catch (const std::system_error&) { // there was no room; the others tell
            }
        });
    }
    std::this_thread::sleep_for(Seconds(0.05));
    kill(-server.pid(), SIGCONT);
    for (std::thread& arrival : arrivals) {
        arrival.join();
    }
    std::vector<std::string> welcomes(peers.size());
    const auto all_welcomed = [&] {
        for (std::size_t i = 0; i < peers.size(); ++i) {
            welcomes[i] += peers[i] ? peers[i]->receive_now() : "";
        }
        return std::all_of(welcomes.begin(), welcomes.end(),
                           [](auto& text) { return text.size() >= 8; });
    };
    server.until(all_welcomed, Seconds(1.3));
    eventually([&] { return !all_welcomed(); }, Seconds(0.05)); // a second welcome may follow
    std::string listing;
    bool right = true;
    for (std::size_t i = 0; i < peers.size(); ++i) {
        right = right && welcomes[i] == "Welcome!";
        listing += (i > 0 ? ", " : "") + quote(welcomes[i]);
    }
    const auto is_printed = [&](const std::optional<Peer>& peer) {
        return !peer || server.out().find(accepted(peer->address())) != std::string::npos;
    };
    std::string missing; // an address that is not printed, where another one is printed twice
    if (!server.until([&] { return std::all_of(peers.begin(), peers.end(), is_printed); },
                      Seconds(0.3))) {
        const auto unseen = std::find_if_not(peers.begin(), peers.end(), is_printed);
        for (const std::optional<Peer>& peer : peers) {
            const std::string out = server.out();
            const std::size_t first =
                peer ? out.find(accepted(peer->address())) : std::string::npos;
            if (first != std::string::npos &&
                out.find(accepted(peer->address()), first + 1) != std::string::npos) {
                missing = (*unseen)->address();
            }
        }
    }
    if (right && missing.empty()) {
        for (std::optional<Peer>& peer : peers) {
            if (peer) {
                peer->close(); // in good order
            }
        }
        return testing::AssertionSuccess();
    }
    const bool twice = listing.find("Welcome!Welcome!") != std::string::npos;
    const bool alive = !server.has_ended();
    return not_yet(
        server, "server",
        {"nothing, from five clients that connected in one instant",
         right ? "a line \"" + accepted(missing) + "\"" : "\"Welcome!\", once for each of them",
         right ? "no such line, but another client's twice" : listing,
         !alive           ? ""
         : twice || right ? by_value
                          : why_not_all(server, peers, welcomes),
         step::accept, "for i in 1 2 3 4 5; do ./client & done"});
}

/// Two clients send at the same moment: both wait for one pause, not one for both.
testing::AssertionResult greets_both_at_once(Server& server, Talk& one, Talk& two)
{
    const auto before = Clock::now();
    if (const auto alone = one.is_greeted("Sarah"); !alone) {
        return alone;
    }
    const double most = std::max(server.delay(), since(before)) * 1.7;
    double quickest = 60;
    for (int i = 0; i < 3 && quickest > most; ++i) {
        const auto start = Clock::now();
        one.say("Yam");
        two.say("May");
        for (const auto& heard :
             {one.hears_greeting("Yam", {"May"}), two.hears_greeting("May", {"Yam"})}) {
            if (!heard) {
                return heard;
            }
        }
        quickest = std::min(quickest, since(start));
    }
    if (quickest <= most) {
        return testing::AssertionSuccess();
    }
    return two.fails({"\"Yam\" and \"May\", from two clients at the same moment",
                      "two answers after one pause", "one after the other", one_after_another,
                      step::accept, "./client, and ./client in a third terminal"});
}

TEST(NotebookServer, ServesManyAtOnce)
{
    Server server("0.4");
    Talk silent(server);
    REQUIRE(silent.is_welcomed());
    {
        Talk second(server);
        REQUIRE(second.is_connected());
        if (!server.until([&] { return second.peer().has_news(); }, Seconds(1.3))) {
            REQUIRE(second.fails(
                {"nothing; another client is connected and silent", "\"Welcome!\"", "nothing",
                 "The server serves one client at a time: while one is silent, the next waits. Is "
                 "a thread started for each (target=tcplink, not tcplink(...)), without join "
                 "before the next accept, and without a lock that it holds while it serves?",
                 step::accept, "nc 127.0.0.1 {port}, and nc 127.0.0.1 {port} in a third one"}));
        }
        REQUIRE(second.is_welcomed());
        second.is_beside(silent);
        silent.is_beside(second);
        REQUIRE(second.is_greeted("May"));
        REQUIRE(silent.is_greeted("Yam", {"May"}));
        REQUIRE(greets_both_at_once(server, silent, second));
        second.say("exit");
        REQUIRE(second.sees_the_end("", 1));
        const std::string one = silent.address();
        const std::string two = second.address();
        REQUIRE(prints(server, {accepted(one), accepted(two), closed(two)}, two, one));
        if (silent.peer().has_news(Seconds(0.1)) || server.has_ended()) {
            REQUIRE(silent.fails(
                {"\"exit\" from another client", "that this client is served on",
                 "the end of this client's connection",
                 "The exit of one client ended the service of another: what ends here is the loop "
                 "of one thread (break), and not the server, nor another client's socket.",
                 step::leave, by_hand("exit")}));
        }
        REQUIRE(silent.is_greeted("Sarah"));
        Talk third(server);
        REQUIRE(
            third.is_welcomed()); // the last that came, so that a shared variable holds its address
        silent.say("exit");
        REQUIRE(silent.sees_the_end("", 1));
        REQUIRE(prints(server, {accepted(one), accepted(two), closed(two), closed(one)}, one,
                       third.address()));
    }
    for (int round = 0; round < 3; ++round) {
        REQUIRE(serves_five_in_one_instant(server));
    }
    const auto start = Clock::now();
    std::vector<Talk> clients;
    std::vector<std::string> names;
    clients.reserve(30);
    for (int i = 0; i < 30; ++i) {
        clients.emplace_back(server, true);
        for (std::size_t other = 0; other + 1 < clients.size(); ++other) {
            clients[other].is_beside(clients.back());
            clients.back().is_beside(clients[other]);
        }
        names.push_back("client " + std::to_string(i));
        if (const auto welcomed = clients.back().is_welcomed(); !welcomed) {
            REQUIRE(testing::AssertionFailure()
                    << welcomed.message() << "            (This was client number " << i + 1
                    << " of 30 at the same time.)\n");
        }
        clients.back().say(names.back());
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        REQUIRE(clients[i].hears_greeting(names[i], names));
    }
    if (since(start) > 30 * server.delay() * 0.7) {
        REQUIRE(silent.fails(
            {"a name from each of 30 clients at the same time",
             "30 greetings in about " + std::to_string(server.delay()).substr(0, 3) + " seconds",
             "30 greetings in " + std::to_string(since(start)).substr(0, 4) + " seconds",
             one_after_another, step::accept, ""}));
    }
}

// ---- Bytes --------------------------------------------------------------------------------------

TEST(NotebookServer, ReturnsEveryByte)
{
    Server server("0.3");
    const std::vector<std::string> names = {"Al Bo",
                                            " Yam ",
                                            "%s %d %x",
                                            "王小明 é ü",
                                            std::string("a\0b\0", 4),
                                            "a\tb\nc\r\n",
                                            "\x01\x1b\x7f",
                                            std::string(1024, 'x')};
    std::vector<Talk> clients;
    clients.reserve(names.size());
    for (const std::string& name : names) {
        clients.emplace_back(server, true);
        REQUIRE(clients.back().is_welcomed());
        clients.back().say(name);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        REQUIRE(clients[i].hears_greeting(names[i], {},
                                          names[i].size() == 1024 ? step::recv : step::greeting));
    }

    Talk no_text(server, true); // the notebook's thread ends here; a wrong answer is another thing
    REQUIRE(no_text.is_welcomed());
    no_text.say("\xc4\xe3");
    server.until([&] { return no_text.peer().has_news(); }, Seconds(server.delay() + 0.3));
    if (no_text.peer().has_news()) {
        const std::string answer = no_text.peer().receive_now();
        if (!answer.empty() && answer != "Hello, \xc4\xe3!") {
            REQUIRE(no_text.fails(
                {"", quote("Hello, \xc4\xe3!"), quote(answer),
                 "Bytes that are not UTF-8 came back as others (decode with 'replace' or 'ignore', "
                 "or another encoding). A name comes back byte for byte, whatever its encoding.",
                 step::greeting, by_hand("\xc4\xe3")}));
        }
    }
    Talk joined(server, true);
    REQUIRE(joined.is_welcomed());
    Talk much(server, true);
    REQUIRE(much.is_welcomed());
    joined.say("Sarah");
    much.say("Sarah");
    std::this_thread::sleep_for(Seconds(0.1)); // the server thinks; what comes now is one message
    joined.say("Yam");
    joined.say("May");
    much.say(std::string(1024, 'a') + std::string(1000, 'b'));
    REQUIRE(joined.hears_greeting("Sarah"));
    REQUIRE(much.hears_greeting("Sarah"));
    if (!joined.hears_greeting("YamMay")) {
        REQUIRE(joined.fails(
            {"\"Yam\" and \"May\", in two sends, while the server was in its pause",
             quote("Hello, YamMay!"), "another answer",
             "What has arrived when recv is called is one message: TCP knows no messages, only "
             "bytes. Is recv called before the pause has passed, or are the messages separated?",
             step::recv,
             "(printf Sarah; sleep 0.5; printf Yam; sleep 0.1; printf May; sleep 3) | nc 127.0.0.1 "
             "{port}"}));
    }
    for (const std::string& name : {std::string(1024, 'a'), std::string(1000, 'b')}) {
        if (const auto heard = much.hears_greeting(name, {}, step::recv); !heard) {
            REQUIRE(much.fails({"1,024 letters a and 1,000 letters b",
                                "a greeting of the first 1,024 bytes, then one of the rest",
                                "another answer",
                                "recv is given another size than 1,024, so that a longer message "
                                "is cut elsewhere, or not at all.",
                                step::recv, ""}));
        }
    }
}

// ---- Bad manners --------------------------------------------------------------------------------

testing::AssertionResult leaves_nothing(Server& server, const Activity& before,
                                        const std::string& after)
{
    Talk(server, true)
        .peer()
        .close(); // a server that collects its children when the next client comes does so now
    Activity now;
    const bool clean = eventually(
        [&] {
            std::this_thread::sleep_for(Seconds(0.05));
            now = activity_of(server.pid());
            return now.descriptors <= before.descriptors + 4 && now.threads <= before.threads + 4 &&
                   now.zombies <= 3 && now.processes <= before.processes + 2;
        },
        Seconds(server.delay() + 2));
    if (clean || server.has_ended() || before.processes == 0) {
        return testing::AssertionSuccess();
    }
    Finding finding{after, "a server that has what it had before", "", "", step::leave, ""};
    const auto more = [](long count, const std::string& what) {
        return std::to_string(count) + " more " + what;
    };
    if (now.processes > before.processes + 2) {
        finding.received = more(now.processes - before.processes, "processes");
        finding.diagnosis = child_goes_on;
        finding.by_hand = "ps -ef";
    } else if (now.zombies > 3) {
        finding.received =
            more(now.zombies, "zombies (children that ended, and nobody waited for)");
        finding.diagnosis =
            "Nobody waits for the children that have ended: waitpid, or signal(SIGCHLD, SIG_IGN).";
        finding.by_hand = "ps -ef";
    } else if (now.threads > before.threads + 4) {
        finding.received = more(now.threads - before.threads, "threads");
        finding.diagnosis = "Threads go on after their client has left: is every end of a client "
                            "the end of the loop?";
        finding.by_hand = "ls /proc/$(pidof server)/task";
    } else {
        finding.received = more(now.descriptors - before.descriptors, "open descriptors");
        finding.diagnosis =
            "Sockets stay open after their client has left: close belongs behind the loop, on "
            "every way out of it. In a server with fork, the parent closes its copy, too.";
        finding.by_hand = "ls -l /proc/$(pidof server)/fd";
    }
    return not_yet(server, "server", finding);
}

TEST(NotebookServer, SurvivesBadManners)
{
    Server server("0.3");
    {
        Talk first(server);
        REQUIRE(first.is_welcomed());
        first.say("exit");
        REQUIRE(first.sees_the_end(""));
    }
    std::this_thread::sleep_for(Seconds(0.1));
    const Activity before = activity_of(server.pid());
    const auto survives = [&](const std::string& what, const std::string& diagnosis) {
        server.until([&] { return server.has_ended(); }, Seconds(server.delay() + 0.2));
        Talk next(server);
        if (!server.has_ended() && next.is_welcomed()) {
            return testing::AssertionSuccess();
        }
        const std::string known = server.killed_by() == SIGSEGV
                                      ? "(recv or send returned -1 here: is that used as a length?)"
                                      : diagnose_end(server, false);
        return not_yet(server, "server",
                       {what, "a server that goes on",
                        server.has_ended() ? "its end" : "no welcome for the next client",
                        server.has_ended() ? diagnosis + (known.empty() ? "" : " " + known) : "",
                        step::accept, ""});
    };
    const std::string gone =
        "The end of one client must not be the end of the server: what send or recv reports about "
        "it is for that client's thread to handle, and ends nothing else.";
    const std::string pipe =
        " A send to a client that has gone raises SIGPIPE, which ends the whole program, unless it "
        "is ignored or MSG_NOSIGNAL is given to send.";
    for (int i = 0; i < 20; ++i) {
        Talk(server, true).peer().close(); // at once, in good order
    }
    REQUIRE(survives("20 clients connected and left at once", gone));
    {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        client.peer().reset();
    }
    REQUIRE(survives("a client broke off (RST) while the server waited for it in recv", gone));
    for (const bool hard : {true, false}) {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        client.say("Yam");
        std::this_thread::sleep_for(
            Seconds(0.1)); // the server thinks: its answers will meet nobody
        client.say("May");
        hard ? client.peer().reset() : client.peer().close();
        REQUIRE(survives(std::string("\"Yam\", and then the client ") +
                             (hard ? "broke off (RST)" : "left") + " before it was answered",
                         server.killed_by() == SIGPIPE ? gone : gone + pipe));
    }
    for (int i = 0; i < 10; ++i) {
        Talk client(server, true);
        REQUIRE(client.is_welcomed());
        i % 2 == 0 ? client.peer().close() : client.peer().reset();
    }
    REQUIRE(leaves_nothing(server, before, "34 clients came and went, some without exit"));
    std::vector<Talk> clients;
    clients.reserve(10);
    for (int i = 0; i < 10; ++i) {
        clients.emplace_back(server, true);
        REQUIRE(clients.back().is_welcomed());
        clients.back().say("exit");
    }
    for (Talk& client : clients) {
        REQUIRE(client.sees_the_end(""));
    }
    clients.clear();
    REQUIRE(leaves_nothing(server, before, "10 clients came and left with exit"));
}

} // namespace
