#include "finding.hpp"
#include "language.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <csignal>
#include <sstream>
#include <utility>
#include <vector>

namespace lab
{
namespace
{

constexpr std::size_t label_width = 12;
constexpr std::size_t text_width = 62; // with its label and indentation, 80 columns

/// For a server that ended by itself, without an error: how far it had come.
std::string came_to_its_end(const std::string& out)
{
    return contains(out, "Accept new")
               ? "The server listened, served a client, and then came to its end: the loop of step "
                 "4, around accept, never ends."
               : "The server listened, and then came to its end, as nothing in it waits for a "
                 "client. Step 4 is next: accept, in a loop that never ends.";
}

/// True if `said` has each of these words.
bool has_all(const std::string& said, const std::vector<std::string>& words)
{
    return std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) { return contains(said, word); });
}

/// The line that a program prints again and again, much more often than any that serves a few
/// clients; empty if it does not.
std::string printed_without_end(const Program& program)
{
    constexpr std::size_t last = 4000; // bytes, in which there is a whole line
    const std::string out = program.out();
    const std::string err = program.err();
    const std::string& printed = out.size() > err.size() ? out : err;
    if (program.prints_without_end() && printed.size() > last) {
        std::istringstream lines(printed.substr(printed.size() - last));
        std::string line;
        std::getline(lines, line); // the rest of one
        std::getline(lines, line);
        return quote(line.substr(0, 200));
    }
    return "";
}

/// The command as a person types it, with the notebook's port and pause.
std::string typed(const std::string& variable_name, const std::string& otherwise)
{
    const std::string command = is_marking() ? "" : variable(variable_name.c_str());
    std::string line = fill(command, {{"port", "9999"}, {"delay", "1"}});
    for (const std::string default_value : {" --port 9999", " --delay 1"}) { // the exercise's own
        if (const std::size_t at = line.find(default_value); at != std::string::npos) {
            line.erase(at, default_value.size());
        }
    }
    return command.empty() ? otherwise : line;
}

/// The make wire that shows what was found, as a person types it; empty if the wire does not.
std::string on_the_wire(const std::string& who, const Finding& finding)
{
    const std::vector<std::string> said = {"\"Yam\"", "\"May\"", "\"Sarah\"", "\"exit\"",
                                           "nothing"};
    const bool is_said = finding.sent.empty() || // in a session
                         std::any_of(said.begin(), said.end(), [&](const std::string& text) {
                             return contains(finding.sent, text);
                         });
    const bool is_talk = who == "client" || (contains(finding.by_hand, "nc ") && is_said);
    const std::string scene = finding.scene.empty() && is_talk ? "session" : finding.scene;
    const std::string side = who == "client" ? "CLIENT" : "SERVER";
    const std::string command = is_marking() ? "" : variable(side.c_str());
    const bool is_usual = command.empty() || command.starts_with("./" + who + " --port {port}");
    if (scene.empty() || contains(command, "'")) {
        return "";
    }
    return fill("make wire SCENE={scene}", {{"scene", scene}}) +
           (is_usual ? "" : " " + side + "='" + command + "'");
}

/// True for a part whose lines are copied from the screen, or typed.
bool is_kept_whole(const std::string& label)
{
    return label == "it said" || label == "it called" || label == "by hand" || label == "the wire";
}

/// A call, or what is said of it, and where in the source it stands.
std::string with_place(const std::string& text, const std::string& place)
{
    constexpr std::size_t width = 44; // one below the other, as far as there is room
    const std::size_t room = text_width - std::min(text_width, place.size() + 2);
    return place.empty() ? text : padded(text, std::min(room, width)) + "  " + place;
}

/// A part for readers of Chinese.
std::string in_chinese(const std::string& label, const std::string& text, const std::string& place)
{
    std::string result;
    const bool is_copied = label == "it said" || label == "it called" || label == "the wire";
    std::istringstream lines(is_copied ? text
                                       : with_place(translated(text, label != "received"), place));
    std::string head = translated(label);
    for (std::string line; std::getline(lines, line);) {
        for (const std::string& one :
             is_kept_whole(label) ? std::vector{line} : cut(line, text_width)) {
            result += padded(std::exchange(head, ""), label_width) + one + "\n";
        }
    }
    return result;
}

} // namespace

std::string part(const std::string& label, const std::string& text, const std::string& place)
{
    if (text.empty()) {
        return "";
    }
    std::string result;
    std::istringstream lines(with_place(text, place));
    for (std::string line; std::getline(lines, line);) {
        while (line.size() > text_width && !is_kept_whole(label)) {
            std::size_t end = line.rfind(' ', text_width);
            end = end == std::string::npos || end == 0 ? line.find(' ') : end;
            if (end == std::string::npos) {
                break;
            }
            result += std::string(label_width, ' ') + line.substr(0, end) + "\n";
            line.erase(0, end + 1);
        }
        result += std::string(label_width, ' ') + line + "\n";
    }
    result.replace(0, label.size(), label);
    return is_chinese() ? both(result, in_chinese(label, text, place)) : result;
}

/// The last calls before a departure, and what came then, each with its place in the source. A hint
/// that does not hold for what its thread does now is taken away.
static std::string what_was_called(Program& program, std::optional<Departure>& departure)
{
    if (!departure) {
        return "";
    }
    std::string before;
    constexpr std::size_t most = 4; // calls: the last ones tell how it came to it
    const auto& calls = departure->before;
    for (std::size_t i = calls.size() - std::min(most, calls.size()); i < calls.size(); ++i) {
        before += with_place(written(calls[i]), program.place_of(calls[i])) + "\n";
    }
    auto places = departure->places;
    std::string then = departure->then;
    if (departure->call) {
        places["call"] = written(*departure->call);
        return part("it called", before) +
               part("then", fill(then, places), program.place_of(*departure->call));
    }
    std::string place;
    if (departure->thread != 0) {
        places["what"] = then;
        places["occupation"] = program.occupation_of(departure->process, departure->thread, place);
        then = "{what}; its thread {occupation}";
        departure->hint = places["occupation"] == "has ended" ? departure->hint : "";
    }
    return part("it called", before) + part("then", fill(then, places), place);
}

testing::AssertionResult not_yet(Program& program, const std::string& who, const Finding& finding,
                                 std::optional<Departure> departure)
{
    const std::string calls = what_was_called(program, departure);
    const bool is_dying = !diagnose_said(program.err()).empty();
    eventually([&] { return program.has_ended(); }, Seconds(is_dying ? 1 : 0.05));
    const bool ended = program.has_ended();
    std::string diagnosis = departure && !departure->hint.empty()
                                ? fill(departure->hint, departure->places)
                                : finding.diagnosis;
    if (ended &&
        (!departure || diagnosis.empty())) { // what ended it is the cause, if that is known
        const std::string end = diagnose_end(program, true);
        const bool known =
            !diagnosis.empty() && (end == came_to_its_end(program.out()) || end.empty());
        diagnosis = known || diagnosis.find(end) != std::string::npos ? diagnosis : end;
    }
    if (const std::string line = printed_without_end(program); !line.empty()) {
        diagnosis = fill(diagnosis.empty()
                             ? "It prints without end: {line}. The loop in which that stands goes "
                               "round and round. It has to wait in each round, in recv or accept, "
                               "and to end when they fail or return nothing."
                             : "{diagnosis} And it prints without end: {line}.",
                         {{"line", line}, {"diagnosis", diagnosis}});
    }
    if (diagnosis.empty() && is_damaged(program)) {
        diagnosis =
            "More bytes were written than there was room for, and what stood behind them was "
            "damaged: a buffer is too small, or malloc was given the size of a pointer.";
    }
    std::string by_hand = fill(finding.by_hand, {{"port", "9999"}});
    if (!by_hand.empty() && who == "server") {
        by_hand = fill("{server}\nand in the second terminal:\n{client}",
                       {{"server", typed("SERVER", "./server")}, {"client", by_hand}});
    }
    return testing::AssertionFailure()
           << part("the " + who, program.fate()) << part("it said", program.last_words())
           << part("sent", finding.sent) << part("expected", finding.expected)
           << part("received", finding.received) << calls << part("diagnosis", diagnosis)
           << part("look at", departure ? departure->due : finding.look_at)
           << part("by hand", by_hand) << part("the wire", on_the_wire(who, finding));
}

bool is_damaged(Program& program)
{
    const std::string said = program.err();
    return program.killed_by() == SIGABRT && !contains(said, "double free") &&
           (contains(said, "corrupt") || contains(said, "free()") || contains(said, "malloc") ||
            contains(said, "stack smashing"));
}

std::string diagnose_said(const std::string& said)
{
    struct Known {
        std::vector<std::string> words; ///< all of them are there
        std::string meaning;
    };
    static const std::string minus_one =
        "A number that is no length was taken for one: recv returns -1 when it fails, and in a "
        "size_t that is a very large number.";
    static const std::vector<Known> known = {
        {{"terminate called without an active exception"},
         "A std::thread object was destroyed while its thread still ran: call detach() on it."},
        {{"terminate called", "length_error"}, minus_one},
        {{"terminate called", "bad_alloc"}, minus_one},
        {{"a bytes-like object is required"},
         "send takes bytes, not a str: write b'...' or call .encode('utf-8')."},
        {{"can only concatenate str"},
         "A str and bytes are joined: decode the bytes that recv returned first."},
        {{"can't concat"},
         "A str and bytes are joined: decode the bytes that recv returned first."},
        {{"Address already in use"},
         "bind failed: the port is in use, by an earlier program that still runs, or because bind "
         "is called twice. (A client does not call bind: the port is the server's, and its own it "
         "gets from the system.)"},
        {{"Cannot assign requested address"},
         "bind or connect failed: this machine does not have that address. In a C program its "
         "bytes may be in the wrong order (inet_pton, or htonl(INADDR_LOOPBACK), puts them "
         "right)."},
        {{"accept", "Invalid argument"},
         "accept was called on a socket that does not listen: listen stands before it, on the same "
         "socket."},
        {{"bind", "Invalid argument"}, "bind was called on a socket that is bound already."},
        {{"Interrupted system call"},
         "A signal interrupted a call that waits (SIGCHLD, when a child has ended): on EINTR call "
         "it again, or install the handler with SA_RESTART."},
        {{"Unhandled 'error' event"},
         "An 'error' event that nothing handles ends the whole program: socket.on('error', ...)."},
        {{"invalid literal for int()"},
         "int() does not read that: the delay may have a fraction, such as 0.3. float() reads it."},
        {{"invalid int value"},
         "int does not read that: the delay may have a fraction, such as 0.3 (type=float)."},
        {{"NumberFormatException"},
         "That is not read as a number: the delay may have a fraction, such as 0.3."},
        {{"unrecognized arguments"},
         "It does not know an option that it was given: it takes --port and --delay, as the "
         "starter does."},
        {{"unrecognized option"},
         "It does not know an option that it was given: it takes --port and --delay, as the "
         "starter does."},
        {{"'ascii' codec"},
         "The name was taken for ASCII, which has no letters beyond 127: say 'utf-8' where it is "
         "decoded, and where it is encoded."},
        {{"double free"}, "The same memory was given back twice (free, delete)."},
        {{"format string"},
         "The name is used as a format: its % signs ask for more. It belongs behind the format, as "
         "what is filled in."},
        {{"Resource temporarily unavailable"},
         "A socket that does not wait was used: it is non-blocking, or has a time-out (settimeout, "
         "SO_RCVTIMEO)."},
        {{"timed out"},
         "A time-out ended it (settimeout, SO_RCVTIMEO): the notebook's recv waits without a "
         "limit."},
        {{"Broken pipe"},
         "A send on a connection that is gone failed. While the client is still there, it was sent "
         "on the wrong socket: the listening one, or one that is closed."},
        {{"getpeername", "Bad file descriptor"},
         "getpeername was called on a socket that is closed: the address is the one that accept "
         "returned, and is kept."},
        {{"getpeername", "not connected"},
         "getpeername fails when the client has broken off: the address is the one that accept "
         "returned, and is kept."},
        {{"not connected"},
         "recv or send was called on a socket that is not connected: in a server the listening "
         "one, where the one that accept returned is meant; in a client one for which connect was "
         "not called, or was given an address without its family (sin_family)."},
        {{"Bad file descriptor"},
         "A socket was used after it was closed, or moved away (std::move): close belongs behind "
         "the loop, and the object that owns the socket lives, where it is, until then (a vector "
         "that grows moves what it has, a with block closes it)."},
        {{"not supported"},
         "The socket cannot do that: it was made with SOCK_DGRAM, where TCP takes SOCK_STREAM."},
        {{"Network is unreachable"},
         "connect was given an address that leads nowhere: inet_addr reads numbers "
         "(\"127.0.0.1\"), not a name such as localhost, for which it returns 255.255.255.255."},
        {{"Permission denied"},
         "It was not allowed: is the file executable, or the port under 1024?"},
        {{"Connection refused"},
         "connect was refused: nobody listens at the address and port that it used. They are not "
         "the ones given, or the port is not in network byte order (htons)."},
        {{"UnicodeDecodeError"}, "Bytes were decoded that are not text in that encoding."},
        {{"invalid character"},
         "There is a full-width character in the program, as a Chinese keyboard types it: , and ; "
         "and ( are other characters than their full-width forms."},
        {{"SyntaxError"}, "Python cannot read the program: the line above says where."},
        {{"IndentationError"}, "Python cannot read the program: the line above says where."},
        {{"argument after * must be an iterable"},
         "args takes a tuple, and with one argument a comma makes one: args=(sock,)."},
        {{"UnboundLocalError"},
         "A variable that a function assigns is the function's own: global NAME makes it the "
         "program's."},
        {{"NameError"},
         "A name is used that is not defined: is it misspelt, or is an import missing?"},
        {{"AttributeError"}, "An attribute is used that is not there: is it misspelt?"},
        {{"ModuleNotFoundError"},
         "A module is imported that is not installed: is its name misspelt?"},
        {{"EOFError"}, "The program reads its standard input, where nothing comes."},
        {{"TypeError"},
         "A call was given something of another type than it takes: the lines above say where."},
        {{"sh: ", "not found"},
         "The command, or a file that it needs, is not there: is the path right, and is it built?"},
    };
    for (const auto& [words, meaning] : known) {
        if (has_all(said, words)) {
            return meaning;
        }
    }
    return "";
}

std::string diagnose_end(Program& program, bool connected)
{
    if (!program.has_ended()) {
        return "";
    }
    if (program.killed_by() == SIGPIPE) {
        return connected
                   ? "A send on a connection that is gone raises SIGPIPE, which ends the whole "
                     "program: it was sent on the wrong socket, or to a client that had left. "
                     "MSG_NOSIGNAL, or ignoring SIGPIPE, makes it an error of that send."
                   : "";
    }
    const std::string said = program.err();
    if (const std::string known = diagnose_said(said); !known.empty()) {
        return known;
    }
    const int status = program.status(Seconds(0));
    const bool is_error = contains(said, "rror") || contains(said, "xception") ||
                          contains(said, "terminate") || contains(said, "Traceback");
    if ((status == 0 || (status == 1 && !is_error)) &&
        program.out().find("Waiting for connection...") != std::string::npos) {
        return came_to_its_end(program.out());
    }
    if (program.killed_by() == SIGABRT && said.find("terminate called") != std::string::npos) {
        return "An exception was thrown that nothing catches, and that ends the whole program: "
               "catch it in the thread where it is thrown.";
    }
    return "";
}

} // namespace lab
