// diagnosis.hpp: what is wrong with bytes, told from the bytes themselves. Pure functions: they
// start nothing, send nothing and wait for nothing, so each of their sentences has a test of its
// own in diagnosis_test.cpp.
#pragma once

#include "tests/watch/sentence.hpp"

#include <string>
#include <vector>

namespace lab
{

/// One exchange, of which the answer is not what was expected.
struct Exchange {
    std::vector<std::string> sent;   ///< this side's messages so far; the last one is answered
    std::string expected;            ///< the answer, or the message, that should have come
    std::string received;            ///< what came instead
    std::vector<std::string> others; ///< names that other clients sent at the same time
    std::vector<std::string> next;   ///< what should come later, but only after an answer
    std::size_t unanswered = 1;      ///< how many messages were sent since the last answer
    bool printed = false;            ///< it is a line on standard output, and not an answer
};

/// What `received` looks like, and what usually makes it so, in one or two sentences. Empty where
/// nothing that is known fits: then what was seen has to speak for itself.
Sentence diagnose(const Exchange& exchange);

/// Its parts: for "Hello, X!", where X is not the name; and for text that is shown as b'text'.
Sentence diagnose_name(const Exchange& exchange, const std::string& x);
Sentence diagnose_repr(const std::string& text);
/// For what stands behind an answer that is right as far as it goes; and before one that is right,
/// of so many bytes.
Sentence diagnose_rest(const Exchange& exchange, const std::string& rest);
Sentence diagnose_before(const std::string& before, std::size_t expected);

/// What a server's comparison with exit does that takes these messages for it, though they are not.
Sentence diagnose_exit(const std::vector<std::string>& closed);

/// The same for what a program printed, of which `expected` are the lines, in order.
Sentence diagnose_lines(const std::vector<std::string>& expected, const std::string& printed);

/// What stands behind a compiler's errors (g++ or clang, in English), where students meet it often.
Sentence diagnose_compiler(const std::string& said);

} // namespace lab
