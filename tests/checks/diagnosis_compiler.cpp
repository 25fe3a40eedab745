#include "diagnosis.hpp"
#include "text.hpp"

#include <algorithm>
#include <sstream>

namespace lab
{
namespace
{

/// True if one of these stands in the text.
bool has_one(const std::string& text, const std::vector<std::string>& signs)
{
    return std::any_of(signs.begin(), signs.end(),
                       [&](const std::string& sign) { return contains(text, sign); });
}

} // namespace

std::string diagnose_compiler(const std::string& said)
{
    std::istringstream lines(said);
    for (std::string line; std::getline(lines, line);) {
        if (!contains(line, "error: ")) {
            continue;
        }
        // g++ writes such a character as \U0000ff0c or, since 15, as it is; clang as <U+FF0C>.
        if (has_one(line, {"\\U0000ff", "\\U0000201", "\\U00003001", "\\U00003002", "<U+FF",
                           "<U+201", "<U+300", "\\357", "\\342"}) ||
            without_full_width(line) != line) {
            return "A full-width character stands there, as a Chinese keyboard types it: such as "
                   "，！；（）“” for ,!;()\"\". It may stand in comments and between quotes; "
                   "elsewhere type it again with the keyboard switched to English.";
        }
        if (contains(line, "thread::thread(const std::thread&)") ||
            (contains(line, "construct_at") && contains(said, "std::thread"))) {
            return "A std::thread cannot be copied: hand it over with std::move(t), or make it "
                   "where it is kept (emplace_back).";
        }
        const bool is_copied =
            has_one(line, {"deleted"}) ||
            (contains(line, "tuple<") && has_one(line, {"no matching", "could not convert"})) ||
            contains(line, "could not convert '{std::forward");
        if (is_copied && contains(line, "Socket")) {
            return "A Socket has one owner and cannot be copied: hand it over with "
                   "std::move(sock).";
        }
        if (contains(line, "arguments must be invocable") ||
            contains(line, "attempt to use a deleted function") ||
            contains(line, "due to requirement '__is_invocable")) {
            return "The function that this std::thread runs takes other arguments than those that "
                   "stand behind it: tcplink takes sock, addr and delay, in this order.";
        }
    }
    return "";
}

} // namespace lab
