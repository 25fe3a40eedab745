// afterword.hpp: the sentences below a page: how the scene ended, what was not seen, what each side
// waits in, and what would have come next.
#pragma once

#include "scenes.hpp"

#include <optional>

/// They are made while the players still are where they have stopped. Empty for a scene that went
/// as it is meant to.
std::vector<std::string> afterword(const Stage& stage, const Scene& scene,
                                   const std::optional<Ending>& ending, std::int64_t start);

/// For a player that ended before it did anything on the wire: the sentence that says so; empty if
/// it did something.
std::string came_to_nothing(const Stage& stage, const Player& player);
