#include "language.hpp"
#include "table.hpp"
#include "tests/watch/program.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <cctype>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <fstream>
#include <map>

namespace lab
{
namespace
{

/// What a field of the table stands for: \n for a newline, \\ for a backslash.
std::string unescaped(const std::string& field)
{
    std::string text;
    for (std::size_t i = 0; i < field.size(); ++i) {
        const bool is_escape = field[i] == '\\' && i + 1 < field.size();
        text += is_escape ? field[++i] == 'n' ? '\n' : field[i] : field[i];
    }
    return text;
}

/// True for words with {places} among them, outside of quotes: a sentence of the checks, and nothing
/// that a program said.
bool has_places(const std::string& text)
{
    std::string words;
    bool is_quoted = false;
    for (const char byte : text) {
        is_quoted = is_quoted != (byte == '"');
        words += is_quoted ? "" : std::string(1, byte);
    }
    const std::size_t open = words.find('{');
    const std::size_t close = words.find('}', std::min(open, words.size()));
    return close != std::string::npos && contains(words, " ") &&
           all_of(words.substr(open + 1, close - open - 1), "abcdefghijklmnopqrstuvwxyz_");
}

/// Each sentence with its translation.
std::map<std::string, std::string> read_table()
{
    std::map<std::string, std::string> table;
    for (const auto& row : read_rows("zh.tsv")) {
        table[unescaped(row.at(0))] = unescaped(row.at(1));
    }
    for (const auto& row : read_rows("explained.tsv")) {
        table[row.at(3)] = row.at(4);
    }
    return table;
}

/// A character of UTF-8 at a place: how many bytes it has, and how many columns it takes.
std::pair<std::size_t, std::size_t> character(const std::string& text, std::size_t at)
{
    if (static_cast<unsigned char>(text[at]) < 0x80) {
        return {1, 1};
    }
    static const bool known = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr ||
                              std::setlocale(LC_CTYPE, "en_US.UTF-8") != nullptr ||
                              std::setlocale(LC_CTYPE, "") != nullptr;
    wchar_t wide = 0;
    std::mbstate_t state{};
    const std::size_t size =
        known ? std::mbrtowc(&wide, text.data() + at, text.size() - at, &state) : 0;
    if (size == 0 || size > 4) {
        return {1, 1};
    }
    const int width = wcwidth(wide);
    return {size, width < 0 ? 1 : static_cast<std::size_t>(width)};
}

} // namespace

bool is_chinese()
{
    static const bool chosen = [] {
        for (const char* name : {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}) {
            if (const std::string value = variable(name); !value.empty()) {
                return value.starts_with("zh");
            }
        }
        return false;
    }();
    return chosen;
}

void make_programs_speak_english()
{
    is_chinese(); // before the environment changes
    if (const std::string all = variable("LC_ALL"); !all.empty()) {
        setenv("LANG", all.c_str(), 1);
        unsetenv("LC_ALL");
    }
    unsetenv("LANGUAGE");
    setenv("LC_MESSAGES", "C", 1);
}

std::string shown(const Sentence& sentence)
{
    if (!is_chinese()) {
        return sentence.english();
    }
    static const std::map<std::string, std::string> table = read_table();
    return sentence.in([](const std::string& text) {
        const auto found = table.find(text);
        const std::string list = variable("UNTRANSLATED"); // tests/mistakes/run looks there
        if (found == table.end() && !list.empty() && has_places(text)) {
            std::ofstream(list, std::ios::app) << text + "\n";
        }
        return found == table.end() ? text : found->second;
    });
}

std::size_t columns(const std::string& text)
{
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto [size, width] = character(text, at);
        at += size;
        count += width;
    }
    return count;
}

std::string padded(const std::string& text, std::size_t width)
{
    return text + std::string(width - std::min(width, columns(text)), ' ');
}

std::vector<std::string> cut(const std::string& line, std::size_t width)
{
    std::vector<std::pair<std::string, std::size_t>> all; // the characters, and the columns of each
    for (std::size_t at = 0; at < line.size();) {
        const auto [size, wide] = character(line, at);
        all.emplace_back(line.substr(at, size), wide);
        at += size;
    }
    const auto may_begin = [&](std::size_t i) { // a line may begin with character number i
        const bool is_beside_wide = all[i - 1].second == 2 || all[i].second == 2;
        return all[i - 1].first == " " || (is_beside_wide && all[i].first != " " &&
                                           !contains("，。：；！？、）”》…", all[i].first) &&
                                           !contains("（“《", all[i - 1].first));
    };
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < all.size();) {
        std::size_t to = from; // behind the last character for which there is room
        for (std::size_t taken = 0; to < all.size() && taken + all[to].second <= width; ++to) {
            taken += all[to].second;
        }
        std::size_t next = to;
        while (next > from && next < all.size() && !may_begin(next)) {
            --next;
        }
        if (next == from) { // a long word
            next = std::max(to, from + 1);
            while (next < all.size() && !may_begin(next)) {
                ++next;
            }
        }
        std::string text;
        for (std::size_t i = from; i < next; ++i) {
            text += all[i].first;
        }
        lines.push_back(next < all.size() && text.ends_with(' ') ? text.substr(0, text.size() - 1)
                                                                 : text);
        from = next;
    }
    return lines;
}

} // namespace lab
