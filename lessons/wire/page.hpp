// page.hpp: the page: calls, segments and states, side by side and on one clock, as text and as a
// picture.
#pragma once

#include "ladder.hpp"

/// Rows with a heading, to be shown.
struct Page {
    std::string left; ///< whose calls stand there
    std::string right;
    std::vector<Row> rows;
    std::int64_t start = 0; ///< the clock's zero
};

/// When a row was, on the page's clock; empty before it begins.
std::string milliseconds(const Row& row, const Page& page);

/// A call, shortened where it does not fit: its arguments first.
std::string fitted(const std::string& call, std::size_t width);

/// The page as text, `width` columns wide: between 80 and 100, of which the segments keep theirs. A
/// heading, and then an element for each row, of one line or two.
std::vector<std::string> as_text(const Page& page, std::size_t width);

/// Pages, and lines of text below them, as one picture, for slides. SVG 1.1
std::string as_picture(const std::vector<Page>& pages, const std::vector<std::string>& lines);
