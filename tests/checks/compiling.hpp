// compiling.hpp: the first check: the programs compile.
#pragma once

#include "trial.hpp"

#include <set>
#include <string>

namespace lab
{

/// Makes the programs at the same time, by the command in the environment variable COMPILE, and
/// takes those that the compiler has made, "server" or "client", into `made`. What it says, as far
/// as the first that it refuses.
Outcome compiles(std::set<std::string>& made);

} // namespace lab
