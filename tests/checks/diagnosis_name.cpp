#include "diagnosis.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <cctype>

namespace lab
{

Sentence diagnose_repr(const std::string& text)
{
    return fill("It is how Python shows bytes, b'{text}': str() or %s of bytes gives that. "
                "data.decode() makes text of them.",
                {{"text", text}});
}

Sentence diagnose_name(const Exchange& exchange, const std::string& x)
{
    const std::string name = exchange.sent.empty() ? "" : exchange.sent.back();
    if (x.empty()) {
        return "The name is missing between \"Hello, \" and \"!\".";
    }
    if (x == "b'" + name + "'" || x == "b\"" + name + "\"" || x.starts_with("b'") ||
        x.starts_with("bytearray(b")) {
        return diagnose_repr("Yam");
    }
    if (x == "'" + name + "'" || x == "\"" + name + "\"") {
        return "There are quotes around the name: it is shown as in a program's text (repr, or "
               "%r), not as it is.";
    }
    const std::string head = "Hello, ";
    if (!name.starts_with("He") && x.size() > 1 &&
        (head.starts_with(x) ||
         (x.starts_with(head) && (x.size() <= 2 * head.size() || x.starts_with(head + head) ||
                                  name.ends_with(x.substr(head.size())))))) {
        return "The beginning of the answer stands where the name should stand: the answer is put "
               "together in the buffer that holds the name, and overwrites it before it is copied.";
    }
    if (x.starts_with(name)) {
        const std::string rest = x.substr(name.size());
        if (all_of(rest, std::string(1, '\0'))) {
            return fill("There are {count} zero bytes between the name and \"!\": the whole buffer "
                        "is taken for the name. recv says how many bytes it received.",
                        {{"count", std::to_string(rest.size())}});
        }
        if (all_of(rest, "\r\n")) {
            return "There is a newline behind the name that the client did not send.";
        }
        for (std::size_t i = 0; i + 1 < exchange.sent.size(); ++i) {
            const std::string& earlier = exchange.sent[i];
            if (earlier.size() > name.size() && rest.starts_with(earlier.substr(name.size()))) {
                return fill("Behind the name are bytes of an earlier message, \"{earlier}\": the "
                            "buffer still holds them. Use as many bytes as recv returned; it does "
                            "not end a string.",
                            {{"earlier", earlier}});
            }
        }
        if (rest.find('\0') != std::string::npos || rest.size() >= 64) {
            return fill("There are {count} more bytes between the name and \"!\": the whole buffer "
                        "is taken for the name. recv says how many bytes it received.",
                        {{"count", std::to_string(rest.size())}});
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
        return "Messages that were sent one after another were greeted as one.";
    }
    if (exchange.sent.size() > 1 && x.ends_with(name) && x.size() > name.size() &&
        all.ends_with(x)) {
        return "The messages pile up: an earlier one still stands before this one. Each recv is a "
               "message of its own, and starts with an empty buffer.";
    }
    for (std::size_t i = 0; i + 1 < exchange.sent.size(); ++i) {
        if (x.size() > name.size() && x.ends_with(name) && contains(x, exchange.sent[i])) {
            return "Parts of an earlier answer stand before the name: the answer is added to what "
                   "a buffer, a string or a list still holds, which has to begin empty. (In Python "
                   "a default argument is made once, for all calls.)";
        }
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
        const bool is_round = x.size() == 4 || x.size() == 8 || x.size() == 16; // recv's size?
        if (x.size() > 1 && x.size() + 1 == name.size() && name.size() < 1000 && !is_round) {
            return "The last byte of the name is cut off, as one cuts off a newline (chop, [:-1], "
                   "n - 1): there is none at the end of what recv returns.";
        }
        const std::size_t answer = x.size() + head.size() + 1;
        return fill(x.size() == 1 ? "Only the first byte of the name is greeted: the length that "
                                    "is kept is 1. In C, n = recv(...) > 0 without parentheses "
                                    "keeps the result of the comparison, which is 1."
                    : answer == 1024 || answer == 1023
                        ? "The whole answer has {answer} bytes, and only {count} of the name's "
                          "{all} are in it: the buffer that it is put together in needs room for 8 "
                          "bytes more than a name has."
                        : "Only the first {count} of the name's {all} bytes are greeted: recv was "
                          "given that size, or the buffer has it. The notebook receives 1024.",
                    {{"count", std::to_string(x.size())},
                     {"all", std::to_string(name.size())},
                     {"answer", std::to_string(answer)}});
    }
    if (contains(x, "\\\\") || (contains(x, "\\x") && !contains(name, "\\x"))) {
        return "The name stands there as in a program's text, with backslashes (\\\\, \\x..): that "
               "is how bytes are shown, and not the bytes themselves.";
    }
    if (name.find_first_of("%{$\\") != std::string::npos && name != x) {
        return "Signs in the name were filled in: it is used as a format (in printf, %, format or "
               "replace), where it should be what is put into one (printf(\"%s\", name)).";
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
    if (x == std::to_string(name.size())) {
        return "That is the number of bytes that recv returned, not the bytes.";
    }
    if (is_object(x)) {
        return "That is how the language shows an object, not the bytes in it: decode the bytes, "
               "or make a string of them.";
    }
    if (x.size() == name.size() && name.size() > 16) {
        return "The answer has the right length, but other bytes stand where the name should "
               "stand: the memory that held it is used no more, or used for something else (a "
               "pointer to, or a view of, an object that has ended).";
    }
    if (x.size() > name.size() && x.ends_with(name)) {
        return "Something stands before the name that the client did not send with this message.";
    }
    return "";
}

} // namespace lab
