#include "report.hpp"
#include "language.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>
#include <utility>

namespace lab
{
namespace
{

constexpr std::size_t label_width = 12;
constexpr std::size_t text_width = 62; // with its label and indentation, 80 columns

/// Every failure's report, and how it was laid out.
std::vector<std::pair<std::string, Report>>& reports()
{
    static std::vector<std::pair<std::string, Report>> all;
    return all;
}

/// True for a part whose lines are copied from the screen, or typed.
bool is_kept_whole(const std::string& label)
{
    return label == "it said" || label == "it called" || label == "by hand" || label == "the wire";
}

/// A call, or what is said of it, and where in the source it stands.
std::string with_place(const std::string& text, const std::string& place)
{
    constexpr std::size_t width = 44; // one below the other, as far as there is room
    const std::size_t room = text_width - std::min(text_width, place.size() + 2);
    return place.empty() ? text : padded(text, std::min(room, width)) + "  " + place;
}

/// With zero bytes as GoogleTest shows them in its messages.
std::string without_zero_bytes(const std::string& text)
{
    std::string result;
    for (const char byte : text) {
        result += byte == '\0' ? "\\0" : std::string(1, byte);
    }
    return result;
}

} // namespace

std::string laid_out(const Report& report)
{
    std::string result;
    std::string before; // a label that goes on has its name once
    for (const auto& [label, text, place] : report) {
        std::string head = label == before ? "" : shown(label);
        before = label;
        const bool is_copied = label == "it said" || label == "it called" || label == "the wire";
        const std::string words = is_copied ? text.english() : shown(text);
        std::istringstream lines(with_place(without_zero_bytes(words), place));
        for (std::string line; std::getline(lines, line);) {
            for (const std::string& one : label.empty() || is_kept_whole(label)
                                              ? std::vector{line}
                                              : cut(line, text_width)) {
                const bool has_room = !label.empty() && !(head.empty() && one.empty());
                result +=
                    (has_room ? padded(std::exchange(head, ""), label_width) : "") + one + "\n";
            }
        }
    }
    return result;
}

std::string in_json(const std::string& text)
{
    std::string result = "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t size = size_of_character(text, i);
        if (text[i] == '"' || text[i] == '\\') {
            result += {'\\', text[i]};
        } else if (static_cast<unsigned char>(text[i]) < ' ') {
            std::array<char, 8> escape{};
            std::snprintf(escape.data(), escape.size(), "\\u%04x", text[i]);
            result += escape.data();
        } else {
            result += size == 0 ? "\\ufffd" : text.substr(i, size);
        }
        i += size > 1 ? size - 1 : 0;
    }
    return result + '"';
}

std::string in_json(const Report& report)
{
    std::string result;
    for (const auto& [label, text, place] : report) {
        result += (result.empty() ? "[" : ", ") + std::string("{\"label\": ") + in_json(label) +
                  ", \"text\": " + in_json(text.english()) + ", \"place\": " + in_json(place) + "}";
    }
    return result.empty() ? "[]" : result + "]";
}

testing::AssertionResult failure(const Report& report)
{
    reports().emplace_back(laid_out(report), report);
    return testing::AssertionFailure() << reports().back().first;
}

Report reports_in(const std::string& message)
{
    Report found;
    for (const auto& [text, report] : reports()) {
        found = !text.empty() && contains(message, text) ? report : found;
    }
    const std::string bare = message.starts_with("Failed\n") ? message.substr(7) : message;
    if (found.empty()) {
        found.push_back({"", bare});
    }
    return found;
}

} // namespace lab
