#include "lines.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <sstream>

namespace lab
{

const std::string in_a_buffer =
    "The line is printed, but stays in a buffer: on a terminal it appears at once, in a file or a "
    "pipe only when the buffer is full or the program ends. Flush it, which writes out what the "
    "buffer holds: std::endl, fflush(stdout), flush=True, $| = 1.";

const std::string child_goes_on =
    "Child processes go on after their client has left: a child has to exit when its client is "
    "served; otherwise it, too, comes back to the loop around accept.";

bool appears_on_a_terminal(const std::function<std::string(Server&)>& act)
{
    Server again("0", "", "", Program::Output::terminal);
    const std::string line = act(again);
    return again.until([&] { return again.out().find(line) != std::string::npos; }, times::soon);
}

namespace
{

/// Why a line about a client is not as it should be.
Sentence diagnose_address(const Server& server, const std::string& line, const std::string& address,
                          const std::string& other, const std::string& expected)
{
    const std::string port = address.substr(address.find(':') + 1);
    const int number = std::stoi(port);
    const std::string swapped = std::to_string((number & 0xff) << 8 | number >> 8);
    const auto has = [&](const std::string& text) { return contains(line, text); };
    if (has(other)) {
        return "The address is another client's: it is taken from a variable that all threads "
               "share (in the notebook, addr where the parameter is called adddr). Each thread has "
               "to use its own.";
    }
    if (swapped != port && has(swapped)) {
        return fill("{swapped} is {port} with its two bytes swapped: ntohs turns the port into "
                    "this machine's order.",
                    {{"swapped", swapped}, {"port", port}});
    }
    const std::size_t earlier = server.out().find(accepted(address) + "\n");
    if (contains(expected, "closed") && earlier != std::string::npos) {
        return "When this client came, its address was printed right; now it is another one. The "
               "memory that it is kept in is used no more (freed, moved from, of a function that "
               "has returned), or used for the next client. Each thread needs a copy of its own.";
    }
    if (has(":" + std::to_string(number - 65536))) {
        return "The port is negative: it is kept in a signed number of 16 bits (short), which ends "
               "at 32,767. An unsigned one goes as far as ports do.";
    }
    if (has("1.0.0.127")) {
        return "The address stands the wrong way round: inet_ntop takes it as accept has filled it "
               "in, in network order, without ntohl.";
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
        return fill("The client's address, {address}, is not in it.", {{"address", address}});
    }
    return diagnose_lines({expected}, line + "\n");
}

/// Lets a client come to this server, and leave.
void visit(Server& server, Talk::Cause leave)
{
    Talk client(server);
    if (!client.is_welcomed()) {
        return;
    }
    leave == Talk::by_exit ? client.say("exit") : client.half_close();
    static_cast<void>(client.sees_the_end(leave));
}

/// The call that has printed this line, as far as that was seen.
std::optional<Departure> departure_of_line(const Server& server, const std::string& line)
{
    for (const Call& call : server.calls()) {
        if (call.kind == "print" && !line.empty() && contains(call.data, line)) {
            Departure departure;
            departure.call = call;
            departure.then = "{call}";
            departure.due = step::lines;
            return departure;
        }
    }
    return std::nullopt;
}

/// Why no line with this beginning was printed about a client that left so.
Sentence why_not_printed(const Server& server, const std::string& sign, Talk::Cause cause)
{
    if (sign.starts_with("Accept")) { // the client is there, and has said nothing
        Server again("0", "", "", Program::Output::terminal);
        Talk client(again);
        const auto is_there = [&] { return contains(again.out(), sign); };
        return client.is_welcomed() && again.until(is_there, times::soon)
                   ? in_a_buffer
                   : "The line is not printed when the client comes.";
    }
    const bool buffered = appears_on_a_terminal([&](Server& again) {
        visit(again, cause);
        return sign;
    });
    if (buffered) {
        return in_a_buffer;
    }
    const Sentence said = diagnose_said(server.err());
    return !said.empty() ? said : "The line is not printed.";
}

} // namespace

testing::AssertionResult prints(Server& server, const std::vector<std::string>& expected,
                                const std::string& address, const std::string& other,
                                Talk::Cause cause)
{
    const std::string& line = expected.back();
    if (is_found("no lines")) {
        return testing::AssertionSuccess();
    }
    if (server.until([&] { return contains(server.out(), line + "\n"); },
                     Seconds(server.delay()) + times::soon)) {
        return testing::AssertionSuccess();
    }
    const bool is_end = contains(line, " closed");
    Finding finding{!is_end                  ? ""
                    : cause == Talk::by_exit ? quote("exit")
                                             : "nothing, and the client closed its side",
                    quote(line),
                    "",
                    "",
                    step::lines,
                    "./client"};
    const std::string sign = line.substr(0, line.find(" from "));
    std::string similar;
    std::istringstream lines(server.out());
    for (std::string each; std::getline(lines, each);) {
        const bool is_another = std::find(expected.begin(), expected.end(), each) != expected.end();
        const bool is_similar = contains(each, sign) || contains(each, address);
        similar = similar.empty() && is_similar && !is_another ? each : similar;
    }
    if (similar.empty()) { // a line that nobody expects may be what became of it
        std::istringstream all(server.out());
        for (std::string each; std::getline(all, each);) {
            const bool is_known =
                each.find("Accept") == 0 || each.find("Connection from") == 0 ||
                contains(line, each) ||
                std::find(expected.begin(), expected.end(), each) != expected.end();
            similar = is_known ? similar : each;
        }
    }
    finding.received = similar.empty() ? "no such line" : quote(similar);
    if (!similar.empty()) {
        finding.diagnosis = diagnose_address(server, similar, address, other, line);
    } else if (contains(server.err(), line)) {
        finding.diagnosis =
            "The line is on standard error. The notebook's print writes to standard output.";
    } else if (contains(server.out(), closed(other))) {
        finding.received =
            fill("{line}, of a client that is still connected", {{"line", quote(closed(other))}});
        finding.diagnosis = diagnose_address(server, closed(other), address, other, line);
    } else if (!server.has_ended()) {
        server.set_aside();
        finding.diagnosis = why_not_printed(server, sign + " from ", cause);
    }
    return not_yet(server, "server", finding, departure_of_line(server, similar));
}

} // namespace lab
