// columns.hpp: several clients of one server, side by side on one clock: their calls, a column for
// each.
#pragma once

#include "page.hpp"

/// The pages of several clients as one, of `width` columns; line by line.
std::vector<std::string> side_by_side(const std::vector<Page>& pages, std::size_t width);

/// When each client had its first answer: a sentence; empty if that is not seen.
std::string answered_after(const Stage& stage);
