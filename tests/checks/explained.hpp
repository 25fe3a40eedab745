// explained.hpp: explained.tsv, a table of what compilers and programs say, and what makes it.
#pragma once

#include "tests/watch/sentence.hpp"

#include <string>

namespace lab
{

/// The sentence of the first row of this kind, "compiler" or "said", whose patterns fit lines of
/// this text; empty if there is none. regex(3)
Sentence explained(const std::string& kind, const std::string& text);

} // namespace lab
