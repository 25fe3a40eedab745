// support.hpp: what programs are started and waited for with.
#pragma once

#include "times.hpp"

#include <functional>
#include <string>

#include <sys/types.h>

namespace lab
{

/// Long enough for anything that is going to happen at all, on a machine that is busy: 10 seconds,
/// or what the environment variable PATIENCE says.
extern const Seconds patience;

/// Asks `condition` again and again until it holds (true) or `limit` has passed (false).
bool eventually(const std::function<bool()>& condition, Seconds limit = patience);

/// Seconds that have passed since then.
inline double since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

/// Waits a moment before the next look, longer if the last one, which began then, was costly: what
/// waits must not keep what it waits for from running.
void rest_from(Clock::time_point look);

/// True if a submission is marked, and not a student's own program tried: each program is then
/// inside a sandbox, which returns 128 + N where signal N has killed it.
bool is_marking();

/// Throws std::system_error with errno: what a test needs itself, and could not do.
[[noreturn]] void fail(const std::string& what);

/// The value of an environment variable; empty without one.
std::string variable(const char* name);

/// From now on SIGTERM, SIGINT and SIGHUP end this process and all programs that it has started,
/// with their children.
void end_programs_on_signals();
/// Notes a process group that is to end then: `now`, in the place of `before`; 0 is none.
void note_running(pid_t before, pid_t now);

/// A file without a name, which nobody who is killed leaves behind.
int temporary_file();
/// The end to write to of a pipe that is full, which has no room again until `other_end` is read.
int full_pipe(int& other_end);
/// What is in a file, at most so many bytes.
std::string contents(int fd, std::size_t most);

} // namespace lab
