// wire_page.hpp: the page: calls, segments and states, side by side and on one clock, as text and
// as a picture.
#pragma once

#include "wire_ladder.hpp"

#include <iomanip>
#include <sstream>

/// Rows with a heading, to be shown.
struct Page {
    std::string left; ///< whose calls stand there
    std::string right;
    std::vector<Row> rows;
    std::int64_t start = 0; ///< the clock's zero
};

namespace wire_page
{

constexpr int ladder = 42; ///< columns between the two lines

/// A call, shortened where it does not fit: its arguments first.
inline std::string fitted(const std::string& call, std::size_t width)
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

inline std::string milliseconds(const Row& row, const Page& page)
{
    std::ostringstream text;
    if (row.time >= page.start) {
        text << std::fixed << std::setprecision(2)
             << static_cast<double>(row.time - page.start) / 1e6;
    }
    return text.str();
}

/// What stands in one side's column: a call at its left, a state at its right.
inline std::string cell(const Row& row, int side, std::size_t width)
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
inline std::string arrow(const Row& row)
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

} // namespace wire_page

/// The page as text, `width` columns wide: between 80 and 100, of which the segments keep theirs.
inline std::string as_text(const Page& page, std::size_t width)
{
    using namespace wire_page;
    const std::size_t sides = std::clamp<std::size_t>(width, 80, 100) - 7 - ladder - 5;
    const std::size_t left = (sides + 1) / 2;
    const std::size_t right = sides / 2;
    const auto padded = [](const std::string& text, std::size_t to) {
        return std::string(to - std::min(to, text.size()), ' ') + text;
    };
    std::ostringstream text;
    text << "     ms " << page.left << std::string(left - page.left.size() + ladder + 4, ' ')
         << page.right << "\n";
    for (Row row : page.rows) {
        const std::size_t room = row.side == 0 ? left : right;
        std::string& state = row.state[static_cast<std::size_t>(row.side)];
        std::string later; // a state that has no room beside its call
        if (row.kind == Row::Kind::call && row.text.size() + 1 + state.size() > room) {
            std::swap(state, later);
        }
        const std::string middle =
            row.kind == Row::Kind::segment ? arrow(row) : std::string(ladder, ' ');
        std::string line = padded(milliseconds(row, page), 7) + " " + cell(row, 0, left) + " |" +
                           middle + "| " + cell(row, 1, right);
        text << line.substr(0, line.find_last_not_of(' ') + 1) << "\n";
        if (!later.empty()) {
            row.text = "";
            state = later;
            text << std::string(8, ' ') + cell(row, 0, left) << " |" << middle << "| "
                 << cell(row, 1, right) << "\n";
        }
    }
    return text.str();
}

/// Pages, and lines of text below them, as one picture, for slides. SVG 1.1
inline std::string as_picture(const std::vector<Page>& pages, const std::vector<std::string>& lines)
{
    using namespace wire_page;
    constexpr int line = 22; // the height of a row; all numbers are pixels
    constexpr int from = 330;
    constexpr int to = 690;
    int y = 0;
    std::ostringstream svg;
    const auto put = [&](int x, const char* anchor, const char* style, const std::string& text) {
        svg << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor
            << "\" xml:space=\"preserve\" class=\"" << style << "\">";
        for (const char byte : text) {
            svg << (byte == '<' ? "&lt;" : byte == '&' ? "&amp;" : std::string(1, byte));
        }
        svg << "</text>\n";
    };
    for (const Page& page : pages) {
        y += line + 10;
        put(70, "start", "who", page.left);
        put(to + 15, "start", "who", page.right);
        const int top = y + 8;
        for (const Row& row : page.rows) {
            y += line;
            put(60, "end", "time", milliseconds(row, page));
            for (const int side : {0, 1}) {
                const bool is_call = row.kind == Row::Kind::call && row.side == side;
                put(side == 0 ? 70 : to + 15, "start", "call", is_call ? row.text : "");
                put(side == 0 ? from - 10 : to + 270, "end", "state",
                    row.state[static_cast<std::size_t>(side)]);
            }
            if (row.kind == Row::Kind::segment) {
                const int length = row.is_lost ? (to - from) / 2 : to - from;
                const int begin = row.side == 0 ? from : to;
                const int end = row.side == 0 ? from + length : to - length;
                put((from + to) / 2, "middle", "segment", row.text);
                svg << "<line x1=\"" << begin << "\" y1=\"" << y + 5 << "\" x2=\"" << end
                    << "\" y2=\"" << y + 5 << "\" marker-end=\"url(#head)\"/>\n";
            }
        }
        for (const int x : {from, to}) {
            svg << "<line x1=\"" << x << "\" y1=\"" << top << "\" x2=\"" << x << "\" y2=\""
                << y + 10 << "\"/>\n";
        }
    }
    y += line;
    for (const std::string& text : lines) {
        y += line;
        put(70, "start", "call", text);
    }
    std::ostringstream picture;
    picture
        << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"980\" height=\"" << y + 20
        << "\" font-family=\"monospace\" font-size=\"13\">\n"
        << "<defs><marker id=\"head\" markerWidth=\"9\" markerHeight=\"8\" refX=\"9\" refY=\"4\" "
           "orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 z\"/></marker></defs>\n"
        << "<style>line{stroke:#333} .time{fill:#666} .state{fill:#06c} .segment{font-size:12px} "
           ".who{font-weight:bold}</style>\n"
        << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        << svg.str() << "</svg>\n";
    return picture.str();
}
