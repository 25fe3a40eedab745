#include "text.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

namespace lab
{

std::size_t size_of_character(std::string_view text, std::size_t at)
{
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t size = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
    const std::string_view rest = text.substr(at, size).substr(std::min<std::size_t>(size, 1));
    const bool is_whole =
        rest.size() + 1 >= size &&
        std::all_of(rest.begin(), rest.end(), [](char next) { return (next & 0xc0) == 0x80; });
    return is_whole ? size : 0;
}

std::string in_quotes(std::string_view bytes)
{
    constexpr std::size_t most = 100;
    std::ostringstream text;
    text << '"';
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes.size() > most && i == most / 2) { // the end says as much as the beginning
            text << "\" ... \"";
            i = bytes.size() - most / 4;
        }
        const auto value = static_cast<unsigned char>(bytes[i]);
        const std::size_t escape = std::string_view("\n\r\t\0", 4).find(bytes[i]);
        const std::size_t length = size_of_character(bytes, i);
        if (escape != std::string_view::npos) {
            text << '\\' << "nrt0"[escape];
        } else if (length > 1) {
            text << bytes.substr(i, length);
            i += length - 1;
        } else if (value < 0x20 || value >= 0x7f) {
            text << "\\x"
                 << "0123456789abcdef"[value / 16] << "0123456789abcdef"[value % 16];
        } else {
            text << bytes[i];
        }
    }
    text << '"';
    return text.str();
}

Sentence quote(std::string_view bytes)
{
    return fill(bytes.size() == 1 ? "{quoted} ({count} byte)" : "{quoted} ({count} bytes)",
                {{"quoted", in_quotes(bytes)}, {"count", std::to_string(bytes.size())}});
}

std::string shortened(const std::string& printed)
{
    constexpr std::size_t most = 120;                                    // bytes of a line
    constexpr std::size_t enough = 40;                                   // lines
    const auto begins = [](char byte) { return (byte & 0xc0) != 0x80; }; // a UTF-8 character
    std::size_t count = 0;
    std::string result;
    std::istringstream lines(printed);
    for (std::string line; std::getline(lines, line);) {
        if (++count > enough) {
            return result + "...";
        }
        if (line.size() > most) {
            const auto end = std::find_if(line.begin() + most / 2, line.end(), begins);
            const auto rest = std::find_if(line.end() - most / 4, line.end(), begins);
            line.replace(end, std::max(end, rest), " ... ");
        }
        result += line + (lines.eof() ? "" : "\n");
    }
    return result;
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

std::string digits(double seconds) { return std::to_string(seconds).substr(0, 4); }

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

std::string without_full_width(std::string text)
{
    static const std::vector<std::pair<std::string, std::string>> marks = {
        {"，", ","}, {"！", "!"}, {"。", "."}, {"：", ":"}, {"；", ";"},  {"（", "("}, {"）", ")"},
        {"“", "\""}, {"”", "\""}, {"‘", "'"},  {"’", "'"},  {"…", "..."}, {"、", ","}, {"　", " "},
    };
    for (const auto& [wide, plain] : marks) {
        for (std::size_t at = 0; (at = text.find(wide, at)) != std::string::npos;) {
            text.replace(at, wide.size(), plain);
        }
    }
    return text;
}

std::size_t characters(const std::string& text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

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
           text == "b''" ||
           (all_of(text, "0123456789, []") &&
            text.find_first_of("0123456789[") != std::string::npos);
}

} // namespace lab
