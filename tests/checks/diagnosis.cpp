#include "diagnosis.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <sstream>

namespace lab
{
namespace
{

const std::string hello = "Hello, ";

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

bool all_of(const std::string& text, const std::string& bytes)
{
    return !text.empty() && text.find_first_not_of(bytes) == std::string::npos;
}

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
    return text;
}

std::string without(std::string text, const std::string& bytes)
{
    std::erase_if(text, [&](char byte) { return bytes.find(byte) != std::string::npos; });
    return text;
}

std::string trimmed(const std::string& text)
{
    const std::string blanks(" \t\r\n\0", 5);
    const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
    return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

std::string number(std::size_t value) { return std::to_string(value); }

/// Latin-1 read as characters and written as UTF-8: what becomes of UTF-8 that is decoded wrongly.
std::string encoded_twice(const std::string& text)
{
    std::string result;
    for (const char byte : text) {
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x80) {
            result += byte;
        } else {
            result += static_cast<char>(0xc0 | (value >> 6));
            result += static_cast<char>(0x80 | (value & 0x3f));
        }
    }
    return result;
}

bool is_place_holder(const std::string& text)
{
    const std::vector<std::string> known = {"%s", "{}", "{0}", "%d", "%v", "$@"};
    const bool braces = text.size() > 2 &&
                        (text[0] == '{' || text.starts_with("${") || text.starts_with("#{")) &&
                        text.back() == '}';
    const bool variable =
        text.size() > 1 && text[0] == '$' && std::isalpha(static_cast<unsigned char>(text[1])) != 0;
    return braces || variable || std::find(known.begin(), known.end(), text) != known.end();
}

/// How a language shows an object where its text was wanted.
bool is_object(const std::string& text)
{
    for (const std::string sign :
         {"[B@", "object at 0x", "<memory at", "[object ", "<Buffer ", "SCALAR(0x", "bytearray(",
          "Symbol(", "java.", "[I@", "[C@", "ARRAY(0x", "HASH(0x"}) {
        if (contains(text, sign)) {
            return true;
        }
    }
    return text == "undefined" || text == "null" || text == "None" || text == "NaN" ||
           text == "b''" || all_of(text, "0123456789, []");
}

std::string repr(const std::string& name)
{
    return "It is how Python shows bytes, b'" + name +
           "': str() or %s of bytes gives that. data.decode() makes text of them.";
}

/// For what stands behind an answer that is right as far as it goes.
std::string diagnose_rest(const Exchange& exchange, const std::string& rest)
{
    const std::string& expected = exchange.expected;
    const std::string what = expected == "Welcome!"        ? "welcome"
                             : expected.starts_with(hello) ? "greeting"
                                                           : "message";
    const std::string is_out = exchange.printed ? "is printed" : "is sent";
    if (!exchange.printed && expected.size() < 8 && expected.size() + rest.size() == 8) {
        return "Exactly 8 bytes came, which is the size of a pointer: sizeof of a pointer is not "
               "the length of the text (strlen is).";
    }
    if (all_of(rest, "\r\n")) {
        const bool both = contains(rest, "\r");
        return "There is a " +
               std::string(both ? "carriage return and a newline (\\r\\n)" : "newline") +
               " behind the " + what +
               ". TCP sends what it is given: send adds none, and neither does the " + "notebook.";
    }
    if (rest == std::string(1, '\0')) {
        return "There is a zero byte behind the " + what +
               ", the end of a C string: the size is one too " +
               "many (sizeof of a literal, or strlen + 1).";
    }
    const std::size_t zeros = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\0'));
    if (zeros == rest.size()) {
        return "There are " + number(zeros) + " zero bytes behind the " + what +
               ": a whole buffer (or array) " + is_out + ", not the bytes that are in use.";
    }
    for (const std::string& name : exchange.next) {
        if (rest.starts_with(name)) {
            return "The next message, " + name +
                   ", came at once: it has to wait for the answer to the " +
                   "one before it. Each send is followed by a recv.";
        }
    }
    if (rest.starts_with(expected)) {
        return "The " + what + " came " + (rest == expected ? "twice" : "more than twice") +
               ": it is sent twice, or two threads serve the same socket.";
    }
    if (expected == "Welcome!" && rest.starts_with("Hello")) {
        return "A greeting came behind the welcome although the client has said nothing: an answer "
               "must " +
               std::string("wait for recv, and nothing received is no name.");
    }
    if (contains(rest, "Welcome!")) {
        return "A welcome came behind the " + what +
               ": it belongs before the loop, once for each client.";
    }
    if (!exchange.printed && (contains(rest, "Accept new") || contains(rest, "Connection from") ||
                              contains(rest, "Waiting"))) {
        return "A line that is meant for the screen was sent to the client.";
    }
    if (rest.starts_with(hello)) {
        return "A second greeting came behind the first one, for the same message.";
    }
    for (std::size_t i = 0; i + 1 < exchange.sent.size(); ++i) {
        const std::string& earlier = exchange.sent[i];
        if (earlier.size() >= rest.size() && contains(earlier + "!", rest)) {
            return "Behind the " + what +
                   " are bytes of an earlier message: the buffer still holds them. " +
                   "Send as many bytes as the answer has, not what the buffer holds.";
        }
    }
    if (zeros > 0 || rest.size() >= 64) {
        return "There are " + number(rest.size()) + " more bytes behind the " + what +
               ": a whole buffer " + is_out +
               ", with what happened to be in it, not the bytes that are in use.";
    }
    return rest.size() <= 3
               ? "\"" + rest + "\" stands behind the " + what + ", and does not belong there."
               : "";
}

/// For "Hello, X!", where X is not the name.
std::string diagnose_name(const Exchange& exchange, const std::string& x)
{
    const std::string name = exchange.sent.empty() ? "" : exchange.sent.back();
    if (x.empty()) {
        return "The name is missing between \"Hello, \" and \"!\".";
    }
    if (x == "b'" + name + "'" || x == "b\"" + name + "\"" || x.starts_with("b'") ||
        x.starts_with("bytearray(b")) {
        return repr("Yam");
    }
    if (x == "'" + name + "'" || x == "\"" + name + "\"") {
        return "There are quotes around the name: it is shown as in a program's text (repr, or "
               "%r), not as it is.";
    }
    if (x.starts_with(name)) {
        const std::string rest = x.substr(name.size());
        if (all_of(rest, std::string(1, '\0'))) {
            return "There are " + number(rest.size()) +
                   " zero bytes between the name and \"!\": the whole " +
                   "buffer is taken for the name. recv says how many bytes it received.";
        }
        if (all_of(rest, "\r\n")) {
            return "There is a newline behind the name that the client did not send.";
        }
        for (std::size_t i = 0; i + 1 < exchange.sent.size(); ++i) {
            const std::string& earlier = exchange.sent[i];
            if (earlier.size() > name.size() && rest.starts_with(earlier.substr(name.size()))) {
                return "Behind the name are bytes of an earlier message, \"" + earlier +
                       "\": the buffer " +
                       "still holds them. Use as many bytes as recv returned; it does not end a "
                       "string.";
            }
        }
        if (rest.find('\0') != std::string::npos || rest.size() >= 64) {
            return "There are " + number(rest.size()) +
                   " more bytes between the name and \"!\": the whole " +
                   "buffer is taken for the name. recv says how many bytes it received.";
        }
        if (rest == name) {
            return "The name stands there twice.";
        }
    }
    std::string all;
    for (const std::string& message : exchange.sent) {
        all += message;
    }
    if (exchange.unanswered > 1 && all.ends_with(x) && x.size() > name.size()) {
        return "Messages that were sent one after another arrived in one recv: the server was not "
               "in recv when the first one came. Is there a pause before recv, too?";
    }
    if (exchange.sent.size() > 1 && x.ends_with(name) && x.size() > name.size() &&
        all.ends_with(x)) {
        return "The messages pile up: an earlier one still stands before this one. Each recv is a "
               "message of its own, and starts with an empty buffer.";
    }
    for (std::size_t i = 0; i + 1 < exchange.sent.size(); ++i) {
        if (x == exchange.sent[i]) {
            return "The greeting is for an earlier message: the bytes that recv returned now are "
                   "not the ones that are greeted.";
        }
    }
    if (std::find(exchange.others.begin(), exchange.others.end(), x) != exchange.others.end()) {
        return "This is the name that another client sent: two threads share a buffer, or a "
               "variable. Each thread needs its own.";
    }
    if (x == encoded_twice(name)) {
        return "Each byte above 127 became two: the bytes were decoded as Latin-1 and encoded as "
               "UTF-8.";
    }
    if (contains(x, "\xef\xbf\xbd") || (without(name, "?") == name && contains(x, "?"))) {
        return "Some bytes became replacement characters: the bytes were decoded in an encoding in "
               "which they are not valid (one character may also have been cut in two). Send them "
               "as they came.";
    }
    if (name.starts_with(x)) {
        if (name[x.size()] == '\0') {
            return "The name ends at its first zero byte: it is handled as a C string (strlen, "
                   "%s). recv says how many bytes it has.";
        }
        if (std::isspace(static_cast<unsigned char>(name[x.size()])) != 0) {
            return "The name ends at its first blank or newline: it is read as a word or a line "
                   "(>>, scanf, readline, split), not as the bytes that recv returned.";
        }
        return "Only the first " + number(x.size()) + " of the name's " + number(name.size()) +
               " bytes are greeted: recv was given that size, or the buffer has it. The notebook "
               "receives 1024.";
    }
    if (x == trimmed(name)) {
        return "Blanks or newlines at the end of the name are gone (strip, trim, chomp): they "
               "belong to it.";
    }
    if (lower(x) == lower(name)) {
        return "The name's capital letters are changed.";
    }
    if (without(x, std::string(1, '\0')) == name) {
        return "There are zero bytes between the letters: two bytes for each character, as in "
               "UTF-16.";
    }
    if (is_place_holder(x)) {
        return "The place-holder itself was sent, not the name in its place: in Python, % data or "
               "an f before the quotes; in JavaScript, back-quotes; in Perl, double quotes.";
    }
    if (x == number(name.size())) {
        return "That is the number of bytes that recv returned, not the bytes.";
    }
    if (is_object(x)) {
        return "That is how the language shows an object, not the bytes in it: decode the bytes, "
               "or make a string of them.";
    }
    if (x.size() > name.size() && x.ends_with(name)) {
        return "Something stands before the name that the client did not send with this message.";
    }
    return "";
}

/// For an answer that differs from the first bytes on.
std::string diagnose_whole(const Exchange& exchange)
{
    const std::string& expected = exchange.expected;
    const std::string& received = exchange.received;
    const std::string name = exchange.sent.empty() ? "" : exchange.sent.back();
    if (received == "b'" + expected + "'" || received == "b\"" + expected + "\"") {
        return repr(expected);
    }
    if (received == "\"" + expected + "\"" || received == "'" + expected + "'") {
        return "There are quotes around it: it is shown as in a program's text (repr, JSON), not "
               "as it is.";
    }
    if (without(received, std::string(1, '\0')) == expected) {
        return "There are zero bytes between the letters: two bytes or more for each character, as "
               "in UTF-16.";
    }
    if (received == hello + expected + "!" && !expected.starts_with(hello)) {
        return "The greeting is the server's to make: the client sends the name alone.";
    }
    if (expected == "exit" && (lower(received) == "quit" || lower(received) == "bye")) {
        return "The word with which the client leaves is exit.";
    }
    if (received.size() > expected.size() + 8 && contains(received, expected) &&
        contains(received, std::string(2, '\0'))) {
        return "An object was sent, with the bytes of its own members, not the text that it holds: "
               "send its data() and its size().";
    }
    if (received.ends_with(expected)) {
        const std::string before = received.substr(0, received.size() - expected.size());
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(before[i]); };
        const bool length_first =
            (before.size() == 2 && byte(0) * 256U + byte(1) == expected.size()) ||
            (before.size() == 4 && (byte(3) == expected.size() || byte(0) == expected.size()) &&
             std::count(before.begin(), before.end(), '\0') == 3);
        if (length_first) {
            return number(before.size()) + " bytes with the length stand before it (as from "
                                           "writeUTF or pack): the notebook sends the text alone.";
        }
        if (before == "\xef\xbb\xbf") {
            return "A byte order mark (EF BB BF) stands before it.";
        }
        if (all_of(before, "\r\n")) {
            return "There is a newline before it, which the notebook does not send.";
        }
        if (before == "Welcome!") {
            return "The welcome came with the answer: it should have come once, before the client "
                   "spoke.";
        }
        if (before.starts_with(hello)) {
            return "An earlier greeting came again, or late, before this one.";
        }
    }
    if (!exchange.printed &&
        (contains(received, "Accept new") || contains(received, "Connection from") ||
         contains(received, "Waiting for"))) {
        return "A line that is meant for the screen was sent to the client.";
    }
    if (!name.empty() && expected.starts_with(hello)) {
        if (received == name) {
            return "Only the name came back, as from an echo server: \"Hello, \" and \"!\" are "
                   "missing.";
        }
        if (received == name + "!") {
            return "\"Hello, \" is missing before the name.";
        }
        if (received == "Welcome!") {
            return "The welcome came again instead of a greeting: it belongs before the loop, once "
                   "for each client.";
        }
        if (received == "Hello, exit!" || received == "Bye!" || received == "Goodbye!") {
            return "";
        }
    }
    for (const std::string& later : exchange.next) {
        if (received.starts_with(later)) {
            return "\"" + later + "\" came where \"" + expected +
                   "\" should have come: something is left out, or the order is another.";
        }
    }
    if (lower(received) == lower(expected)) {
        return "Capital and small letters differ.";
    }
    if (without(received, "\r\n") == expected) {
        return "There is a newline in it, which the notebook does not send.";
    }
    const std::string marks = " ,.!?:;-'";
    if (without(received, marks) == without(expected, marks)) {
        return "The letters are right; a blank, a comma or another mark is missing or too many.";
    }
    if (lower(without(received, marks + "\r\n")) == lower(without(expected, marks))) {
        return "Blanks, marks or capital letters differ.";
    }
    return "";
}

} // namespace

std::string diagnose(const Exchange& exchange)
{
    const std::string& expected = exchange.expected;
    const std::string& received = exchange.received;
    if (received.empty() || received == expected) {
        return "";
    }
    if (received.starts_with(expected)) {
        return diagnose_rest(exchange, received.substr(expected.size()));
    }
    if (received.starts_with(hello) && received.ends_with("!") && expected.starts_with(hello)) {
        const std::size_t size = received.size() - hello.size() - 1;
        if (const std::string found = diagnose_name(exchange, received.substr(hello.size(), size));
            !found.empty()) {
            return found;
        }
    }
    // "Hello, Yam" and then more: a "!" that is missing, or that stands behind the rest of a
    // buffer.
    const std::string name = exchange.sent.empty() ? "" : exchange.sent.back();
    if (expected.starts_with(received)) {
        const std::size_t size = received.size();
        if (exchange.printed) {
            return "The line ends too early: \"" + expected.substr(size) + "\" is missing.";
        }
        if (size + 1 == expected.size() && expected.back() == '!') {
            return "The exclamation mark at the end is missing: it is forgotten, or the size is "
                   "one too small.";
        }
        if ((size == 8 || size == 4) && expected.size() > size) {
            return "Only the first " + number(size) +
                   " bytes came, which is the size of a pointer: sizeof of a " +
                   "pointer is not the length of the text (strlen is).";
        }
        return "Only the first " + number(size) + " of " + number(expected.size()) +
               " bytes came: the size is too small, or a send took only a part and the rest did "
               "not follow.";
    }
    if (!name.empty() && received.starts_with(hello + name)) {
        const std::string rest = received.substr(hello.size() + name.size());
        if (all_of(rest, std::string("\0!", 2))) {
            return "Zero bytes stand between the name and \"!\", or in its place: the whole buffer "
                   "is taken for the name. recv says how many bytes it received.";
        }
        if (rest == "\n!" || rest == "\r\n!" || rest == "\n") {
            return "There is a newline behind the name that the client did not send.";
        }
        if (rest == "." || rest == "?" || rest.empty()) {
            return "The exclamation mark at the end is missing.";
        }
    }
    if (received.starts_with(hello) && !name.empty()) {
        Exchange cut = exchange;
        while (!cut.received.empty() &&
               std::string("\r\n\0", 3).find(cut.received.back()) != std::string::npos) {
            cut.received.pop_back();
        }
        if (cut.received != received) {
            if (const std::string found = diagnose(cut); !found.empty()) {
                return found;
            }
        }
        const std::size_t first = received.find('!');
        if (first != std::string::npos && received.find(hello, first) == first + 1 &&
            name.starts_with(received.substr(hello.size(), first - hello.size()))) {
            return "The name was greeted in pieces, the first of " + number(first - hello.size()) +
                   " bytes: recv was given that size. The notebook receives 1024.";
        }
    }
    return diagnose_whole(exchange);
}

std::string diagnose_lines(const std::vector<std::string>& expected, const std::string& printed)
{
    std::vector<std::string> lines;
    std::istringstream text(printed);
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
    }
    const std::string all = std::accumulate(expected.begin(), expected.end(), std::string());
    if (printed == all || printed == all + "\n") {
        return "The lines are not apart: print ends a line with a newline, write and printf do "
               "not.";
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (i >= lines.size()) {
            return "The line \"" + expected[i] + "\" is missing.";
        }
        if (lines[i] == expected[i]) {
            continue;
        }
        if (lines[i].empty() && i > 0) {
            return "There is an empty line behind \"" + expected[i - 1] +
                   "\": a newline is printed twice.";
        }
        if (i + 1 < expected.size() && lines[i] == expected[i + 1]) {
            return "The line \"" + expected[i] + "\" is missing.";
        }
        if (is_object(lines[i])) {
            return "\"" + lines[i] +
                   "\" is how the language shows an object, not the bytes in it: decode the bytes, "
                   "or make a string of them.";
        }
        if (lines[i].starts_with("b'") || lines[i].starts_with("b\"")) {
            return repr(expected[i]);
        }
        if (lines[i] == expected[i] + "\r") {
            return "There is a carriage return (\\r) at the end of the line.";
        }
        const std::string found = diagnose({{}, expected[i], lines[i], {}, {}, 1, true});
        if (found.empty() && lines[i].starts_with(expected[i])) {
            return "Behind \"" + expected[i] +
                   "\" more is printed: bytes of the buffer beyond what recv returned, or of an "
                   "earlier answer. Print as many bytes as were received.";
        }
        if (std::find(expected.begin(), expected.begin() + static_cast<long>(i), lines[i]) !=
            expected.begin() + static_cast<long>(i)) {
            return "The line \"" + lines[i] +
                   "\" is printed again. Is it inside a loop? (With fork, a line that is still in "
                   "the buffer comes from parent and child: flush it before.)";
        }
        if (i + 1 < lines.size() && lines[i].size() < expected[i].size() &&
            expected[i].starts_with(lines[i]) &&
            lines[i + 1].starts_with(expected[i].substr(lines[i].size()))) {
            return "\"" + expected[i].substr(lines[i].size()) +
                   "\" is missing, and stands before the next answer: too few bytes were received, "
                   "and the rest came with the next recv. recv(1024) takes what has arrived.";
        }
        if (std::find(lines.begin(), lines.end(), expected[i]) != lines.end()) {
            return "The line \"" + lines[i] +
                   "\" is printed besides; the notebook has no such line there.";
        }
        const auto differ =
            std::mismatch(expected[i].begin(), expected[i].end(), lines[i].begin(), lines[i].end());
        return found.empty() ? "The line differs from the notebook's after \"" +
                                   std::string(expected[i].begin(), differ.first) + "\"."
                             : found;
    }
    if (lines.size() > expected.size() && lines[expected.size()].empty()) {
        return "There is an empty line at the end: exit has no answer, so that a recv behind it "
               "returns nothing, and that was printed.";
    }
    if (lines.size() > expected.size()) {
        return "The line \"" + lines[expected.size()] +
               "\" is printed besides; the notebook has no such line.";
    }
    return printed.ends_with("\n") ? "" : "The last line has no newline.";
}

std::string diagnose_port(int expected, int found)
{
    const int swapped = (expected & 0xff) << 8 | (expected >> 8 & 0xff);
    if (found == swapped) {
        return std::to_string(found) + " is " + std::to_string(expected) +
               " with its two bytes swapped: the port is not in network byte order. htons puts it "
               "so, once.";
    }
    if (found == 9999) {
        return "9999 is the notebook's port; the port on the command line is not used.";
    }
    return "";
}

} // namespace lab
