#include "language.hpp"
#include "tests/watch/program.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <cctype>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <fstream>
#include <map>
#include <optional>
#include <regex>

namespace lab
{
namespace
{

constexpr char begin = '\2', middle = '\3', end = '\4'; ///< around and between the two of both()
const std::string marks = {begin, middle, end};

/// What is left of a text without all that stands between two of its marks.
std::string without_between(const std::string& text, char from, char to)
{
    std::string result;
    bool is_dropped = false;
    for (const char byte : text) {
        is_dropped = byte == from || (is_dropped && byte != to);
        result += is_dropped ? "" : std::string(1, byte);
    }
    return without(result, marks);
}

/// A sentence with places: the pieces around them, and their names.
struct Pattern {
    std::vector<std::string> pieces;
    std::vector<std::string> places;
    std::string chinese;
    std::size_t length = 0; ///< of the pieces: of several that fit, the longest is meant

    /// What stands in the places, if a text is this sentence.
    std::optional<std::map<std::string_view, std::string>> read(const std::string& text) const
    {
        std::map<std::string_view, std::string> found;
        return fits(text, 0, 0, found) ? std::optional(found) : std::nullopt;
    }

  private:
    bool fits(const std::string& text, std::size_t at, std::size_t i,
              std::map<std::string_view, std::string>& found) const
    {
        if (text.compare(at, pieces[i].size(), pieces[i]) != 0) {
            return false;
        }
        at += pieces[i].size();
        if (i == places.size()) {
            return at == text.size();
        }
        const std::string& next = pieces[i + 1];
        const bool is_last = i + 1 == places.size();
        for (std::size_t to = is_last ? text.size() - std::min(next.size(), text.size()) : at + 1;
             to > at && to <= text.size(); ++to) {
            to = text.find(next, to);
            if (to == std::string::npos) {
                return false;
            }
            found[places[i]] = text.substr(at, to - at);
            const bool is_number = places[i] == "count" || places[i] == "number";
            if ((!is_number || all_of(found[places[i]], "0123456789.,")) &&
                fits(text, to, i + 1, found)) {
                return true;
            }
        }
        return false;
    }
};

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

class Table
{
  public:
    Table()
    {
        const std::string checks = variable("CHECKS");
        const std::size_t slash = checks.rfind('/');
        std::ifstream file((checks.empty()               ? "lessons/exercise/"
                            : slash == std::string::npos ? ""
                                                         : checks.substr(0, slash + 1)) +
                           "zh.tsv");
        for (std::string row; std::getline(file, row);) {
            const std::size_t tab = row.find('\t');
            if (tab != std::string::npos && row[0] != '#') {
                add(unescaped(row.substr(0, tab)), unescaped(row.substr(tab + 1)));
            }
        }
        std::stable_sort(patterns_.begin(), patterns_.end(),
                         [](const Pattern& a, const Pattern& b) { return a.length > b.length; });
    }

    std::optional<std::string> find(const std::string& text) const
    {
        if (const auto found = sentences_.find(text); found != sentences_.end()) {
            return found->second;
        }
        for (const Pattern& pattern : patterns_) {
            if (auto places = pattern.read(text)) {
                for (auto& [name, value] : *places) {
                    value = find(value).value_or(value);
                }
                return fill(pattern.chinese, *places);
            }
        }
        return std::nullopt;
    }

  private:
    void add(const std::string& english, const std::string& chinese)
    {
        Pattern pattern{{""}, {}, chinese};
        for (std::size_t i = 0; i < english.size(); ++i) {
            const std::size_t close = english.find('}', i);
            const std::string name = english[i] == '{' && close != std::string::npos
                                         ? english.substr(i + 1, close - i - 1)
                                         : "";
            if (all_of(name, "abcdefghijklmnopqrstuvwxyz_")) {
                pattern.places.push_back(name);
                pattern.pieces.emplace_back();
                i = close;
            } else {
                pattern.pieces.back() += english[i];
                ++pattern.length;
            }
        }
        if (pattern.places.empty()) {
            sentences_[english] = chinese;
        } else {
            patterns_.push_back(pattern);
        }
    }

    std::map<std::string, std::string> sentences_;
    std::vector<Pattern> patterns_;
};

/// True if a text has English words, two in a row, that are not quoted.
bool has_words(const std::string& text)
{
    static const std::regex quoted("\"[^\"]*\"");
    static const std::regex words("[A-Za-z]{2,}'?,? (a|[a-z]{2,})\\b");
    return std::regex_search(std::regex_replace(text, quoted, ""), words);
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

std::string translated(const std::string& text, bool by_lines)
{
    if (!is_chinese() || text.empty()) {
        return text;
    }
    static const Table table;
    if (const std::size_t next = text.find("), \""); next != std::string::npos) { // a list of bytes
        return translated(text.substr(0, next + 1)) + "、" + translated(text.substr(next + 3));
    }
    if (const auto found = table.find(text)) {
        return *found;
    }
    const std::size_t line = text.find('\n');
    if (line != std::string::npos && !by_lines) {
        return text;
    }
    if (line != std::string::npos) { // several of them
        return translated(text.substr(0, line)) + "\n" + translated(text.substr(line + 1));
    }
    if (const std::string list = variable("UNTRANSLATED"); !list.empty() && has_words(text)) {
        std::ofstream(list, std::ios::app) << text + "\n";
    }
    return text;
}

std::string both(const std::string& english, const std::string& shown)
{
    return english == shown
               ? english
               : begin + without(english, marks) + middle + without(shown, marks) + end;
}

std::string in_english(const std::string& text) { return without_between(text, middle, end); }
std::string as_shown(const std::string& text) { return without_between(text, begin, middle); }

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
        next = next == from ? std::max(to, from + 1) : next; // a long word
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
