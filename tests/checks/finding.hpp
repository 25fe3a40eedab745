// finding.hpp: what a check says when it fails: what became of the program, what was sent, expected
// and received, what that looks like, which step of the notebook to look at, and how to see it by
// hand.
#pragma once

#include "harness.hpp"
#include "report.hpp"

#include <optional>
#include <string>

namespace lab
{

/// What a check found. Empty parts are left out.
struct Finding {
    Sentence sent{};
    Sentence expected{};
    Sentence received{};
    Sentence diagnosis{};
    Sentence look_at{};  ///< the step of the notebook, and its line
    Sentence by_hand{};  ///< what to type in the second terminal
    std::string scene{}; ///< the scene of make wire that shows it; a session, where nc does
};

/// A failure, as a person reads it. It begins with what became of the program, which is `who`:
/// "server", "client". What its calls show, if they do, stands before what its bytes look like.
testing::AssertionResult not_yet(Program& program, const std::string& who, const Finding& finding,
                                 std::optional<Departure> departure = std::nullopt);

/// From now on, and for the checks behind this one, this is what is expected of the program. They
/// are told by the driver, as a property of the test.
void carry(const std::string& what, const std::string& text = "yes");
/// The same of a text around an inner one, "greeting", where two texts have the same around theirs.
void carry(const std::string& what, const std::string& one, const std::string& inside_one,
           const std::string& other, const std::string& inside_other);

/// True if a program was ended because its memory was damaged.
bool is_damaged(Program& program);

/// What a line that is known, in what a program said on standard error, means; empty if none is.
Sentence diagnose_said(const std::string& said);

/// What the last lines of standard error, or the signal, say about a program that ended; empty if
/// nothing is known. `connected`: it ended while a client was connected and waiting.
Sentence diagnose_end(Program& program, bool connected);
/// True if it was seen to make a call of this kind. Call::kind
bool called(const Program& program, const std::string& kind);
/// The same for a server that ended by itself, without an error: how far it had come.
Sentence came_to_its_end(Program& program);

} // namespace lab

/// Ends a test with `result`'s message if it is a failure.
#define REQUIRE(result)                                                                            \
    if (const auto& required = testing::AssertionResult(result); !required) {                      \
        FAIL() << required.message();                                                              \
    }                                                                                              \
    static_assert(true)
