// finding.hpp: what a check says when it fails: what became of the program, what was sent, expected
// and received, what that looks like, which step of the notebook to look at, and how to see it by
// hand.
#pragma once

#include "harness.hpp"

#include <optional>
#include <string>

namespace lab
{

/// What a check found. Empty parts are left out.
struct Finding {
    std::string sent;
    std::string expected;
    std::string received;
    std::string diagnosis;
    std::string look_at; ///< the step of the notebook, and its line
    std::string by_hand; ///< what to type in the second terminal, with {port} for the port
    std::string scene{}; ///< the scene of make wire that shows it; a session, where nc does
};

/// One part of what is said: its label, and its text in as many lines of 80 columns as it takes;
/// and the place in the source that it is about, if there is one.
std::string part(const std::string& label, const std::string& text, const std::string& place = "");

/// A failure, as a person reads it. It begins with what became of the program, which is `who`:
/// "server", "client". What its calls show, if they do, stands before what its bytes look like.
testing::AssertionResult not_yet(Program& program, const std::string& who, const Finding& finding,
                                 std::optional<Departure> departure = std::nullopt);

/// True if a program was ended because its memory was damaged.
bool is_damaged(Program& program);

/// What a line that is known, in what a program said on standard error, means; empty if none is.
std::string diagnose_said(const std::string& said);

/// What the last lines of standard error, or the signal, say about a program that ended; empty if
/// nothing is known. `connected`: it ended while a client was connected and waiting.
std::string diagnose_end(Program& program, bool connected);

} // namespace lab

/// Ends a test with `result`'s message if it is a failure.
#define REQUIRE(result)                                                                            \
    if (const auto& required = testing::AssertionResult(result); !required) {                      \
        FAIL() << required.message();                                                              \
    }                                                                                              \
    static_assert(true)
