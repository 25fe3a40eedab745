// player.hpp: the programs on the stage. All of them, and what they start, live in a process
// namespace of their own, which ends with this program, however that ends. pid_namespaces(7)
#pragma once

#include "network.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

/// Where the players live, and what they find there: the library that shows their calls, and the
/// pipe on which it tells of them. Once in a process; enter_own_network() comes first.
class Household
{
  public:
    static constexpr long too_many = 500; ///< processes and threads, started one after another

    Household();
    ~Household(); ///< ends everybody in it
    Household(const Household&) = delete;
    Household& operator=(const Household&) = delete;
    /// True if so many processes have been started in it that it was ended, or is about to be.
    bool is_overrun() const;
    /// Where a player finds that library and that pipe, whatever is in the folders' names. proc(5)
    std::string path_of_shim() const { return path_of(shim_); }
    std::string path_of_calls() const { return path_of(calls_[1]); }
    int calls() const { return calls_[0]; } ///< the end to read from; never waits

  private:
    std::string path_of(int fd) const
    {
        return "/proc/" + std::to_string(first_) + "/fd/" + std::to_string(fd);
    }

    Descriptor shim_;
    std::array<int, 2> calls_ = {-1, -1};
    pid_t first_ = -1;
    int alive_ = -1;                          ///< the first process ends when this is closed
    std::atomic<bool>* is_overrun_ = nullptr; ///< shared with the first process
};

/// A program on the stage. Whoever it starts belongs to it: they are one process group. (A session
/// of its own might have to wait for the processor by itself. sched(7), the autogroup feature)
struct Player {
    int number = 0; ///< how its calls are known
    int side = 0;   ///< of the page: 0 left, 1 right
    std::string name;
    bool is_given = false; ///< on the command line: it may do anything
    pid_t pid = -1;
    bool has_ended = false;
    int status = 0;           ///< how it ended. wait(2)
    bool was_stopped = false; ///< by the stage
    std::size_t printed = 0;  ///< bytes, of both outputs
    std::array<int, 2> output = {-1, -1};
    std::array<std::string, 2> said; ///< the end of standard output and standard error

    /// The last line that it has said, on standard error or else on standard output.
    std::string last_words() const;
    /// "ended, with status 1", "was ended by a signal: Segmentation fault"; empty if it runs.
    std::string fate() const;
};

/// Starts a program for `player`: its words, and what is added to the environment.
void start(Player& player, const std::vector<std::string>& words,
           const std::map<std::string, std::string>& environment);

/// Ends a player, with all that it has started.
void stop(Player& player);

/// Takes what it has printed, and notes its end.
void attend_to(Player& player);

/// The calls in which a player's threads wait, each once, in plain words: "poll", "sleep". proc(5)
std::vector<std::string> waits_in_kernel(const Player& player);

/// What all players do with the processor. proc_pid_stat(5)
struct Work {
    long ticks = 0;         ///< CPU time used so far, in hundredths of a second
    bool is_wanted = false; ///< a thread runs, would like to, or waits for a disk
};
Work work_of(const std::deque<Player>& players);

/// A copy of the descriptor with which a player holds the socket of that number; -1 if it has none.
/// pidfd_getfd(2)
int copy_of_socket(const Player& player, unsigned long inode);
