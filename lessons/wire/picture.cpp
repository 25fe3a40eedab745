#include "page.hpp"

#include <sstream>

std::string as_picture(const std::vector<Page>& pages, const std::vector<std::string>& lines)
{
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
