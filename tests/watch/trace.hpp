// trace.hpp: the calls that a program and its children make on their sockets, seen from outside, in
// any language. A filter stops them at some thirty system calls, and at no other: each costs some
// 50 microseconds. ptrace(2), seccomp(2)
#pragma once

#include "call.hpp"
#include "sentence.hpp"
#include "source.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

namespace lab
{

class Trace
{
  public:
    /// Begins to watch a child of this process that waits, and all that it will start. A child that
    /// must not be watched (ptrace(2) says when) is left alone.
    explicit Trace(pid_t child);
    ~Trace() { end(); }
    Trace(const Trace&) = delete;

    /// False where a program must not be watched: Yama, a filter, or an emulator forbids it.
    static bool is_possible();
    /// For the child, before it becomes the program: from now on it stops where it is watched.
    static void stop_at_calls();

    /// True if the ports and the state of each call's socket are to be noted, too.
    static inline bool looks_at_sockets = false;

    /// Ends all that it watches. What was seen stays.
    void end();

    bool is_allowed() const { return is_allowed_; }
    /// From now on a thread that goes on with a line of which it has printed a part waits until
    /// another one has printed something, or for a moment: lines that may be mixed are mixed then.
    void let_lines_mix() { mixes_ = true; }
    /// How often a call was begun, or has returned; how many processes and threads were started.
    std::size_t steps() const { return steps_; }
    std::size_t started() const { return started_; }
    /// Its processes and threads that have not ended.
    std::vector<pid_t> alive() const;
    /// True if it has made so many calls that no more are looked at.
    bool has_seen_enough() const;
    /// All calls so far, in the order in which they were made.
    std::vector<Call> calls() const;
    /// Where in its own source the program made this call; empty if that is not known.
    std::string place_of(const Call& call) { return lines_.place_of(call.process, call.stack); }
    /// What a thread does that calls nothing that is looked at: "waits in pthread_join()". Its
    /// place is given, too, if it is known. It is interrupted for a moment, and goes on as before.
    Sentence occupation_of(pid_t process, pid_t thread, std::string& place);
    /// What waitpid has said of the child, once it has ended.
    std::optional<int> status() const;

  private:
    /// One that makes more has gone round without an end: what it does can be seen from these.
    static constexpr std::size_t most_calls = 20'000;

    struct Pending { ///< the call that a thread is in
        std::size_t index;
        int arguments;
        unsigned long at, count;
    };
    void watch();
    void enters(pid_t thread);
    void returns(pid_t thread);
    void forks(pid_t thread);
    void note(pid_t thread, const char* kind, int signal);
    bool is_held(const Call& call);
    void release();
    void has_ended(pid_t thread, int status);
    pid_t process_of(pid_t thread);

    mutable std::mutex mutex_;
    std::vector<Call> calls_;
    std::optional<int> status_;
    std::set<pid_t> alive_; ///< processes and threads
    std::atomic<bool> is_ending_{false};
    std::atomic<bool> mixes_{false};
    std::atomic<std::size_t> steps_{0};
    std::atomic<std::size_t> started_{0};
    bool is_allowed_ = false;
    pid_t child_;
    std::map<pid_t, Pending> pending_; ///< from here on, the watching thread's own
    std::map<pid_t, pid_t> processes_; ///< of threads
    std::map<pid_t, bool> in_a_line_;  ///< threads that have printed a part of one
    pid_t held_ = 0;                   ///< the thread that waits for another one to print
    Clock::time_point held_since_;
    int times_held_ = 0;
    int prints_ = 0;
    std::atomic<pid_t> wanted_{0}; ///< the thread whose stack somebody waits for
    std::vector<unsigned long> wanted_stack_;
    std::condition_variable is_known_;
    Lines lines_;
    std::thread thread_;
};

} // namespace lab
