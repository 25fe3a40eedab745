#include "explained.hpp"
#include "table.hpp"

#include <regex.h>

namespace lab
{
namespace
{

/// True if a line of the text has this pattern; of an empty one, always.
bool has(const std::string& text, const std::string& pattern)
{
    regex_t compiled{};
    if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0) {
        return false;
    }
    const bool fits = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
    regfree(&compiled);
    return fits;
}

} // namespace

Sentence explained(const std::string& kind, const std::string& text)
{
    for (const auto& row : read_rows("explained.tsv")) {
        if (row.size() == 5 && row[0] == kind && has(text, row[1]) && has(text, row[2])) {
            return row[3];
        }
    }
    return "";
}

} // namespace lab
