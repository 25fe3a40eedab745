// player.hpp: the programs on the stage, which are watched: what they call is seen from outside.
// All that they start belongs to them, and ends with this program, however that ends. ptrace(2)
#pragma once

#include "network.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/program.hpp"

#include <memory>
#include <string>
#include <vector>

/// A program on the stage.
struct Player {
    static constexpr std::size_t too_many = 500;       ///< processes and threads that it started
    static constexpr std::size_t too_loud = 256 << 10; ///< bytes that it printed

    int number = 0; ///< how its calls are known
    int side = 0;   ///< of the page: 0 left, 1 right
    std::string name{};
    bool is_given = false; ///< on the command line: it may do anything
    std::unique_ptr<lab::Program> program{};
    bool has_ended = false;
    bool was_stopped = false; ///< by the stage

    pid_t pid() const { return program->pid(); }
    /// Ends it, with all that it has started.
    void stop();
    /// The last line that it has said, on standard error or else on standard output.
    std::string last_words() const;
    /// "ended, with status 1", "was ended by a signal: Segmentation fault"; empty if it runs.
    std::string fate() const;
};

/// A command for a shell, of these words as they are.
std::string command_of(const std::vector<std::string>& words);
