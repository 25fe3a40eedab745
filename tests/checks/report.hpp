// report.hpp: what there is to say of a check: parts, which are laid out in the reader's language
// when they are shown, and kept as fields for who marks.
#pragma once

#include "tests/watch/sentence.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lab
{

/// One part: "diagnosis", what it says, and the place in the source that it is about, if there is
/// one.
struct Part {
    std::string label{};
    Sentence text{};
    std::string place{};
};
using Report = std::vector<Part>;

/// As a person reads it, in lines of 80 columns.
std::string laid_out(const Report& report);
/// As a list in JSON, in English: [{"label": ..., "text": ..., "place": ...}]. RFC 8259
std::string in_json(const Report& report);
/// A text as JSON has it; what is no UTF-8 as U+FFFD.
std::string in_json(const std::string& text);

/// A test's failure, which shows this report.
testing::AssertionResult failure(const Report& report);
/// The reports that GoogleTest's message of a failure shows, in the order in which they were made;
/// or the message as it is.
Report reports_in(const std::string& message);

} // namespace lab
