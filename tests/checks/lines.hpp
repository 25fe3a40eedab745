// lines.hpp: what the server prints about its clients, and diagnoses that several checks give.
#pragma once

#include "talk.hpp"
#include "tests/watch/texts.hpp"

#include <functional>
#include <string>
#include <vector>

namespace lab
{

/// Waits for the last of these lines, which is about the client at `address`. Says what is wrong
/// with it, if it is; `other` is another client's address, `cause` how the client left.
testing::AssertionResult prints(Server& server, const std::vector<std::string>& expected,
                                const std::string& address, const std::string& other = "no other",
                                Talk::Cause cause = Talk::by_exit);

/// True if what is missing on standard output appears when that is a terminal: then it is in a
/// buffer. `act` makes the server print it, and returns what to look for.
bool appears_on_a_terminal(const std::function<std::string(Server&)>& act);

/// Diagnoses that several checks give.
extern const std::string in_a_buffer;
extern const std::string child_goes_on;

} // namespace lab
