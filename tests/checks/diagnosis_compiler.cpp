// What stands behind a compiler's errors, where students who come from Python meet it.
#include "diagnosis.hpp"
#include "explained.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <sstream>

namespace lab
{
namespace
{

/// A full-width character: g++ writes it as \U0000ff0c or, since 15, as it is; clang as <U+FF0C>.
bool has_full_width(const std::string& line)
{
    const std::vector<std::string> written = {"\\U0000ff",   "\\U0000201", "\\U00003001",
                                              "\\U00003002", "<U+FF",      "<U+201",
                                              "<U+300",      "\\357",      "\\342"};
    return without_full_width(line) != line ||
           std::any_of(written.begin(), written.end(),
                       [&](const std::string& sign) { return contains(line, sign); });
}

} // namespace

Sentence diagnose_compiler(const std::string& said)
{
    std::string text;
    bool has_errors = false;
    bool is_full_width = false;
    std::istringstream lines(said);
    constexpr int enough = 200; // lines: what comes later is a consequence
    std::string line;
    for (int i = 0; i < enough && std::getline(lines, line); ++i) {
        const bool is_error =
            contains(line, "error: ") || contains(line, "undefined reference to ");
        has_errors = has_errors || is_error;
        is_full_width = is_full_width || (is_error && has_full_width(line));
        text += line.substr(0, 1200) + "\n"; // of templates, some are very long
    }
    return !has_errors ? ""
           : is_full_width
               ? "A full-width character stands there, as a Chinese keyboard types it: such as "
                 "，！；（）“” for ,!;()\"\". It may stand in comments and between quotes; "
                 "elsewhere type it again with the keyboard switched to English."
               : explained("compiler", text);
}

} // namespace lab
