#include "page.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

std::string milliseconds(const Row& row, const Page& page)
{
    std::ostringstream text;
    if (row.time >= page.start) {
        const double time = static_cast<double>(row.time - page.start) / 1e6;
        text << std::fixed << std::setprecision(time < 9999.995 ? 2 : 0) << time;
    }
    return text.str();
}

std::string fitted(const std::string& call, std::size_t width)
{
    const std::size_t open = call.find('(');
    std::size_t close = call.rfind(')');
    if (call.size() <= width) {
        return call;
    }
    if (open != std::string::npos && close != std::string::npos) {
        close -= call[close - 1] == '"' ? 1 : 0;
        const std::size_t rest = open + 1 + call.size() - close + 2; // with the two dots
        if (rest < width) {
            return call.substr(0, open + 1 + width - rest) + ".." + call.substr(close);
        }
    }
    return call.substr(0, width - 2) + "..";
}

namespace
{

constexpr int ladder = 42; ///< columns between the two lines

/// What stands in one side's column: a call at its left, a state at its right.
std::string cell(const Row& row, int side, std::size_t width)
{
    const std::string& state = row.state[static_cast<std::size_t>(side)];
    const bool is_call = row.kind == Row::Kind::call && row.side == side;
    std::string text = is_call ? fitted(row.text, width) : "";
    const bool at_the_ladder = side == 0 || is_call;
    if (!state.empty()) {
        const std::size_t blanks = width - text.size() - state.size();
        text = at_the_ladder ? text + std::string(blanks, ' ') + state : state;
    }
    return text + std::string(width - text.size(), ' ');
}

/// An arrow from one side to the other, with what it carries.
std::string arrow(const Row& row)
{
    const std::string text = " " + row.text + " ";
    const int blanks = ladder - static_cast<int>(text.size());
    const auto line = [&](int length) {
        return std::string(static_cast<std::size_t>(std::max(length, 1)), '-');
    };
    if (row.is_lost) { // it ends on the way
        const int length = std::max(blanks / 2, 2);
        const std::string rest(static_cast<std::size_t>(std::max(blanks - length - 2, 0)), ' ');
        return row.side == 0 ? "-" + text + line(length) + "X" + rest
                             : rest + "X" + line(length) + text + "-";
    }
    return row.side == 0 ? "-" + text + line(blanks - 2) + ">"
                         : "<" + line(blanks - 2) + text + "-";
}

} // namespace

std::vector<std::string> as_text(const Page& page, std::size_t width)
{
    const std::size_t sides = std::clamp<std::size_t>(width, 80, 100) - 7 - ladder - 5;
    const std::size_t left = (sides + 1) / 2;
    const std::size_t right = sides / 2;
    const auto padded = [](const std::string& text, std::size_t to) {
        return std::string(to - std::min(to, text.size()), ' ') + text;
    };
    const auto trimmed = [](const std::string& line) {
        return line.substr(0, line.find_last_not_of(' ') + 1);
    };
    const std::string name = fitted(page.left, left);
    std::vector<std::string> lines = {"     ms " + name +
                                      std::string(left - name.size() + ladder + 4, ' ') +
                                      fitted(page.right, right)};
    for (Row row : page.rows) {
        const std::size_t room = row.side == 0 ? left : right;
        std::string& state = row.state[static_cast<std::size_t>(row.side)];
        std::string later; // a state that has no room beside its call
        if (row.kind == Row::Kind::call && row.text.size() + 1 + state.size() > room) {
            std::swap(state, later);
        }
        const std::string middle =
            row.kind == Row::Kind::segment ? arrow(row) : std::string(ladder, ' ');
        const auto line = [&](const std::string& time) {
            return trimmed(padded(time, 7) + " " + cell(row, 0, left) + " |" + middle + "| " +
                           cell(row, 1, right));
        };
        lines.push_back(line(milliseconds(row, page)));
        if (!later.empty()) {
            row.text = "";
            state = later;
            lines.back() += "\n" + line("");
        }
    }
    return lines;
}
