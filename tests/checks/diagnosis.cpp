#include "diagnosis.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>

namespace lab
{
namespace
{

const std::string hello = "Hello, ";

bool is_a_clients_name(const std::string& expected)
{
    return expected == "Yam" || expected == "May" || expected == "Sarah";
}

/// For an answer that differs from the first bytes on.
Sentence diagnose_whole(const Exchange& exchange)
{
    const std::string& expected = exchange.expected;
    const std::string& received = exchange.received;
    const std::string name = exchange.sent.empty() ? "" : exchange.sent.back();
    if (received == "b'" + expected + "'" || received == "b\"" + expected + "\"") {
        return diagnose_repr(expected);
    }
    if (received == "\"" + expected + "\"" || received == "'" + expected + "'") {
        return "There are quotes around it: it is shown as in a program's text (repr, JSON), not "
               "as it is.";
    }
    const bool has_mark = received.starts_with("\xff\xfe") || received.starts_with("\xfe\xff");
    if (without(received.substr(has_mark ? 2 : 0), std::string(1, '\0')) == expected) {
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
        if (const Sentence found = diagnose_before(before, expected.size()); !found.empty()) {
            return found;
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
            return fill("\"{later}\" came where \"{expected}\" should have come: something is left "
                        "out, or the order is another.",
                        {{"later", later}, {"expected", expected}});
        }
    }
    if (lower(received) == lower(expected)) {
        return "Capital and small letters differ.";
    }
    if (without(received, "\r\n") == expected) {
        return "There is a newline in it, which the notebook does not send.";
    }
    if (const auto differ =
            std::mismatch(expected.begin(), expected.end(), received.begin(), received.end());
        differ.first - expected.begin() > 64) {
        return fill("The first {count} bytes of the answer are right, and then others come: the "
                    "buffer that it is put together in is too small, and more is sent than it "
                    "holds.",
                    {{"count", std::to_string(differ.first - expected.begin())}});
    }
    const std::string marks = " ,.!?:;-'";
    if (without(received, marks) == without(expected, marks)) {
        return "The letters are right; a blank, a comma or another mark is missing or too many.";
    }
    if (lower(without(received, marks + "\r\n")) == lower(without(expected, marks))) {
        return "Blanks, marks or capital letters differ.";
    }
    if (is_a_clients_name(expected)) {
        return contains(received, expected)
                   ? "More is sent than the name: the client sends the name alone."
                   : "The names are Yam, May and Sarah, in this order.";
    }
    if (!name.empty() && expected.starts_with(hello) && contains(received, name)) {
        return "Another text stands around the name: the notebook sends \"Hello, \", the name, and "
               "\"!\".";
    }
    return !exchange.printed && expected == "Welcome!"
               ? "The welcome is another text: the notebook sends the 8 bytes Welcome! and no more."
               : "";
}

/// For an answer of which only the beginning came.
Sentence diagnose_beginning(const Exchange& exchange)
{
    const std::string& expected = exchange.expected;
    const std::size_t size = exchange.received.size();
    if (exchange.printed) {
        return size + 1 == expected.size()
                   ? "The last character is cut off, as one cuts off a newline. There is none at "
                     "the end of what recv returns."
                   : fill("The line ends too early: \"{rest}\" is missing.",
                          {{"rest", expected.substr(size)}});
    }
    if (expected[size] == '\0') {
        return "The answer ends at the first zero byte of the name: it is handled as a C string "
               "(strlen, c_str). Its size is that of the bytes.";
    }
    if (size == 1024 || size == 512) {
        return fill("Only the first {count} of {all} bytes came: the answer was cut there. It is 8 "
                    "bytes longer than the name.",
                    {{"count", std::to_string(size)}, {"all", std::to_string(expected.size())}});
    }
    if (size == 1) {
        return "Only the first letter came: a loop goes over the letters of one text, where it "
               "should go over several texts; or the size is 1.";
    }
    if (const std::size_t letters = characters(expected);
        size == letters && letters < expected.size()) {
        return fill("Only the first {count} of {all} bytes came, as many as the text has "
                    "characters: a character that is not ASCII takes several bytes. The size is "
                    "that of the bytes, after encoding.",
                    {{"count", std::to_string(size)}, {"all", std::to_string(expected.size())}});
    }
    if (size + 1 == expected.size() && expected.back() == '!') {
        return "The exclamation mark at the end is missing: it is forgotten, or the size is one "
               "too small.";
    }
    if (size == 4 && is_a_clients_name(expected)) {
        return fill("Only the first {count} of {all} bytes came: it is misspelt, or the size is "
                    "wrong: 4 or 8 is that of a pointer (sizeof), where strlen is that of the "
                    "text.",
                    {{"count", std::to_string(size)}, {"all", std::to_string(expected.size())}});
    }
    return fill(
        size == 8 && expected.starts_with(hello)
            ? "Only the first {count} bytes came: that is the size of a pointer (sizeof of a "
              "pointer is not the length of the text; strlen is), or the length of the welcome."
        : (size == 8 || size == 4)
            ? "Only the first {count} bytes came, which is the size of a pointer: sizeof of a "
              "pointer is not the length of the text (strlen is)."
            : "Only the first {count} of {all} bytes came: the size that send is given is too "
              "small (an earlier message's, perhaps), or a send took only a part and the rest did "
              "not follow.",
        {{"count", std::to_string(size)}, {"all", std::to_string(expected.size())}});
}

} // namespace

Sentence diagnose(const Exchange& exchange)
{
    const std::string& expected = exchange.expected;
    const std::string& received = exchange.received;
    const std::string name = exchange.sent.empty() ? "" : exchange.sent.back();
    if (received.empty() || received == expected) {
        return "";
    }
    if (const std::string plain = without_full_width(received);
        plain != received && without(plain, " ") == without(expected, " ")) {
        return "A mark in it is full-width (such as ，！ for , and !), as a Chinese keyboard types "
               "it: other characters, of three bytes each.";
    }
    if (received.starts_with(expected)) {
        return diagnose_rest(exchange, received.substr(expected.size()));
    }
    if (received.ends_with(expected) && expected.starts_with(hello) &&
        received.starts_with(hello)) {
        return "An earlier greeting stands before this one: the answer was added to what the "
               "buffer or the string still holds (strcat, append, +=). It has to begin empty.";
    }
    if (received.starts_with(hello) && received.ends_with("!") && expected.starts_with(hello)) {
        const std::size_t size = received.size() - hello.size() - 1;
        if (const Sentence found = diagnose_name(exchange, received.substr(hello.size(), size));
            !found.empty()) {
            return found;
        }
    }
    if (expected.starts_with(received)) {
        return diagnose_beginning(exchange);
    }
    // "Hello, Yam" and then more: a "!" that is missing, or that stands behind the rest of a
    // buffer.
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
            if (const Sentence found = diagnose(cut); !found.empty()) {
                return found;
            }
        }
        const std::size_t first = received.find('!');
        if (first != std::string::npos && received.find(hello, first) == first + 1 &&
            name.starts_with(received.substr(hello.size(), first - hello.size()))) {
            return fill("One message was greeted in pieces, the first of {count} bytes.",
                        {{"count", std::to_string(first - hello.size())}});
        }
    }
    return diagnose_whole(exchange);
}

} // namespace lab
