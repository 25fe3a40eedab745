#include "diagnosis.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>

namespace lab
{
Sentence diagnose_rest(const Exchange& exchange, const std::string& rest)
{
    const std::string& expected = exchange.expected;
    const std::string message = expected == "Welcome!"            ? "welcome"
                                : expected.starts_with("Hello, ") ? "greeting"
                                                                  : "message";
    const auto say = [&](const char* sentence, const std::string& count = "") {
        return fill(sentence, {{"message", message}, {"count", count}, {"rest", rest}});
    };
    for (const std::string& name : exchange.next) {
        if (rest.starts_with(name)) {
            return fill("The next message, {name}, came at once: it has to wait for the answer to "
                        "the one before it. Each send is followed by a recv.",
                        {{"name", name}});
        }
    }
    if (!exchange.printed && expected.size() < 8 && expected.size() + rest.size() == 8 &&
        rest.starts_with('\0')) {
        return "Exactly 8 bytes came, which is the size of a pointer: sizeof of a pointer is not "
               "the length of the text (strlen is).";
    }
    if (all_of(rest, "\r\n")) {
        return contains(rest, "\r")
                   ? say("There is a carriage return and a newline (\\r\\n) behind the {message}. "
                         "TCP sends what it is given: send adds none, and neither does the "
                         "notebook.")
                   : say("There is a newline behind the {message}. TCP sends what it is given: "
                         "send adds none, and neither does the notebook.");
    }
    if (rest == std::string(1, '\0')) {
        return say("There is a zero byte behind the {message}, the end of a C string: the size is "
                   "one too many (sizeof of a literal, or strlen + 1).");
    }
    const auto zeros = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\0'));
    if (zeros == rest.size()) {
        return say(exchange.printed ? "There are {count} zero bytes behind the {message}: a whole "
                                      "buffer (or array) is printed, not the bytes that are in use."
                                    : "There are {count} zero bytes behind the {message}: a whole "
                                      "buffer (or array) is sent, not the bytes that are in use.",
                   std::to_string(zeros));
    }
    if (rest.starts_with(expected)) {
        return say(expected == "Welcome!"
                       ? "The {message} came more than once: it is sent more than once, or a "
                         "second thread is started for the same client."
                       : "The {message} came more than once: it is sent more than once.");
    }
    if (expected == "Welcome!" && rest.starts_with("Hello")) {
        return "A greeting came behind the welcome although the client has said nothing: an answer "
               "must wait for recv, and nothing received is no name.";
    }
    if (contains(rest, "Welcome!")) {
        return say("A welcome came behind the {message}: it belongs before the loop, once for each "
                   "client.");
    }
    if (!exchange.printed && (contains(rest, "Accept new") || contains(rest, "Connection from") ||
                              contains(rest, "Waiting"))) {
        return "A line that is meant for the screen was sent to the client.";
    }
    if (rest.starts_with("Hello, ")) {
        return "A second greeting came behind the first one, for the same message.";
    }
    for (std::size_t i = 0; i + 1 < exchange.sent.size(); ++i) {
        const std::string& earlier = exchange.sent[i];
        if (earlier.size() >= rest.size() && contains(earlier + "!", rest)) {
            return say(
                "Behind the {message} are bytes of an earlier message: the buffer still holds "
                "them. Send as many bytes as the answer has, not what the buffer holds.");
        }
    }
    if (zeros > 0 || rest.size() >= 64) {
        return say(exchange.printed
                       ? "There are {count} more bytes behind the {message}: a whole buffer is "
                         "printed, with what happened to be in it, not the bytes that are in use."
                       : "There are {count} more bytes behind the {message}: a whole buffer is "
                         "sent, with what happened to be in it, not the bytes that are in use.",
                   std::to_string(rest.size()));
    }
    return rest.size() <= 3 ? say("\"{rest}\" stands behind the {message}, and does not belong "
                                  "there: more bytes are sent than the text has (its size is too "
                                  "large, or no zero byte ends it).")
                            : "";
}

Sentence diagnose_before(const std::string& before, std::size_t expected)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(before[i]); };
    const bool length_first = (before.size() == 2 && byte(0) * 256U + byte(1) == expected) ||
                              (before.size() == 4 && (byte(3) == expected || byte(0) == expected) &&
                               std::count(before.begin(), before.end(), '\0') == 3);
    if (length_first) {
        return fill("{count} bytes with the length stand before it (as from writeUTF or pack): the "
                    "notebook sends the text alone.",
                    {{"count", std::to_string(before.size())}});
    }
    if (trimmed(before) == std::to_string(expected)) {
        return fill("A header of {count} bytes with the length stands before it: the notebook "
                    "sends the text alone.",
                    {{"count", std::to_string(before.size())}});
    }
    return before == "\xef\xbb\xbf" ? "A byte order mark (EF BB BF) stands before it."
           : all_of(before, "\r\n")
               ? "There is a newline before it, which the notebook does not send."
           : before == "Welcome!" ? "The welcome came with the answer: it should have come once, "
                                    "before the client spoke."
           : before.starts_with("Hello, ")
               ? "An earlier greeting came again, or late, before this one."
               : "";
}

} // namespace lab
