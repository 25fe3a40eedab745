#include "diagnosis.hpp"

#include <algorithm>

namespace lab
{

Sentence diagnose_exit(const std::vector<std::string>& closed)
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
    if (closed == std::vector<std::string>{"e"}) {
        return "A message of one byte is taken for the end: at the end recv returns 0, and -1 when "
               "it fails.";
    }
    if (has("e") || has("ex") || has("exi")) {
        return "The beginning of exit is taken for exit: the comparison stops where the message "
               "does (strncmp with its length, or 'in'). Compare the lengths, too.";
    }
    if (has("Exit") || has("EXIT")) {
        return "Capital letters are taken for exit, too: the message is changed (lower), or "
               "compared without regard to case.";
    }
    if (has("exit\n") || has(" exit") || has("exit\r\n") || has("exit ")) {
        return "exit with a newline or a blank is taken for exit, too: the message is stripped, or "
               "read as a word (>>, split), before it is compared, or what cannot be printed is "
               "taken out of it. Those are five bytes, and a name.";
    }
    return "Another message than exit is taken for it.";
}

} // namespace lab
