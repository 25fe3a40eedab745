// program.hpp: a program that a test starts as a person would, watches, and stops.
#pragma once

#include "support.hpp"
#include "text.hpp"
#include "trace.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lab
{

/// Of what a program prints, only so many bytes are looked at. The checks set it: who prints more
/// prints without end.
extern std::size_t most_printed;

/// A program that runs for a test. Its output goes to files, so it never waits for the test to read
/// it. The object's end is the program's: nothing is left behind, not even if the test itself is
/// killed.
class Program
{
  public:
    /// What standard output is: most programs hold lines back in a buffer unless it is a terminal.
    /// `full` is a pipe that takes nothing more: the program waits where it prints its first line.
    enum class Output { file, terminal, full };

    /// Starts `command` through the shell, as one would type it, with every signal's default
    /// disposition. `input` is what it reads on standard input.
    explicit Program(const std::string& command, const std::string& input = "",
                     Output output = Output::file);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// True for a suite that looks at its programs' calls, as far as the system allows that.
    static inline bool are_watched = false;

    /// Called with each program before it is ended, if a suite wants to tell how it went.
    static inline std::function<void(Program&)> at_end;

    const std::string& command() const { return command_; }
    std::string out() const; ///< all of standard output so far
    std::string err() const; ///< all of standard error so far
    pid_t pid() const { return pid_; }
    /// The calls on its sockets so far; none if it is not watched.
    std::vector<Call> calls() const;
    /// What watches it; null if nothing does.
    const Trace* trace() const { return trace_.get(); }
    /// Where in its own source it made this call; empty if that is not known.
    std::string place_of(const Call& call) { return trace_ ? trace_->place_of(call) : ""; }
    /// What a thread of it does that calls nothing more. Trace::occupation_of
    Sentence occupation_of(pid_t process, pid_t thread, std::string& place)
    {
        return trace_ ? trace_->occupation_of(process, thread, place) : "";
    }
    /// From now on lines that threads may mix are mixed, if it is watched. Trace::let_lines_mix
    void let_lines_mix();
    void signal(int number) const;

    /// True once standard output (or standard error) contains `text`.
    bool prints(const std::string& text, Seconds limit = patience) const;
    bool reports(const std::string& text, Seconds limit = patience) const;

    /// Waits for its end: the exit status, 128 + N if signal N killed it, -1 if it still runs after
    /// `limit`.
    int status(Seconds limit = patience);
    bool has_ended() { return status(Seconds(0)) != -1; }
    /// Ends it, to have its port for another one. What has been seen of it stays: fate() and
    /// has_ended() say what they said before.
    void set_aside();

    /// Waits until `condition` holds (true). Gives up (false) when the program has ended, or when
    /// it has waited for so long itself, without using the CPU, that nothing more will happen:
    /// `silence`. While it works, it is given time, at most `patience`, or what is given. If it
    /// prints without end, it is stopped (SIGSTOP), before the disk is full.
    bool until(const std::function<bool()>& condition, Seconds silence, Seconds at_most = {});

    /// What became of it, in words: "is still running", "ended by itself, with exit status 1",
    /// "was killed by SIGPIPE (...)", "could not be started".
    Sentence fate();
    /// True if it has printed `most_printed` bytes.
    bool prints_without_end() const;
    int killed_by() const { return status_ > 128 ? signal_ : 0; } ///< a signal's number, or 0
    /// The last lines of standard error.
    std::string last_words() const;

  private:
    void kill_all() const;
    bool ask_status(int& raw) const;

    std::string command_;
    pid_t pid_ = -1;
    int out_ = -1;
    int err_ = -1;
    int terminal_ = -1; ///< the other end of standard output, if that is a terminal
    int pipe_ = -1;     ///< the same, if it is a pipe that is full
    int status_ = -1;
    int signal_ = 0;
    bool set_aside_ = false;
    std::unique_ptr<Trace> trace_; ///< none if it is not watched
};

} // namespace lab
