#include "columns.hpp"

#include <algorithm>
#include <cstdio>

std::vector<std::string> side_by_side(const std::vector<Page>& pages, std::size_t width)
{
    struct Cell {
        Row row;
        std::size_t column;
        std::string text;
    };
    std::vector<Cell> cells;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        for (const Row& row : pages[i].rows) {
            const bool is_theirs = row.side == 1;
            const std::string whose =
                is_theirs && !row.is_for_nobody ? std::to_string(i + 1) + ": " : "";
            if (row.kind == Row::Kind::call && row.text != "afterwards") {
                cells.push_back({row, is_theirs ? pages.size() : i, whose + row.text});
            }
        }
    }
    std::stable_sort(cells.begin(), cells.end(), [](const Cell& one, const Cell& other) {
        return one.row.time < other.row.time;
    });
    constexpr std::size_t clock = 8;
    const std::size_t room =
        (std::clamp<std::size_t>(width, 80, 100) - clock) / (pages.size() + 1) - 1;
    const auto line = [&](const std::string& time, std::size_t column, const std::string& text) {
        std::string blank(clock + column * (room + 1), ' ');
        return blank.replace(clock - 1 - time.size(), time.size(), time) + text;
    };
    std::vector<std::string> lines = {std::string(clock, ' ')};
    for (std::size_t i = 0; i < pages.size(); ++i) {
        lines.front() += fitted(pages[i].left, room);
        lines.front().resize(clock + (room + 1) * (i + 1), ' ');
    }
    lines.front() += pages.front().right;
    lines.front().replace(clock - 3, 2, "ms");
    for (const Cell& cell : cells) {
        lines.push_back(
            line(milliseconds(cell.row, pages.front()), cell.column, fitted(cell.text, room)));
    }
    return lines;
}

std::string answered_after(const Stage& stage)
{
    std::string text;
    for (const Player& player : stage.players) {
        std::int64_t came = 0;
        std::int64_t answered = 0;
        bool has_asked = false;
        for (const WireCall& call : stage.calls) {
            if (call.player != player.number || player.side == 1 || answered != 0) {
                continue;
            }
            came = came == 0 && call.kind == "connect" ? call.began : came;
            has_asked = has_asked || call.kind == "send";
            if (has_asked && call.kind == "recv" && call.result > 0) {
                answered = call.ended;
            }
        }
        if (came != 0 && answered != 0) {
            char time[64];
            std::snprintf(time, sizeof time, "%s after %.0f ms", player.name.c_str(),
                          static_cast<double>(answered - came) / 1e6);
            text += (text.empty() ? "Answers came: to " : ", to ") + std::string(time);
        }
    }
    return text.empty() ? "" : text + ".";
}
