// source.hpp: where in its own source a stopped program is.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lab
{

/// Unwinds the stacks of stopped threads with libdw, which belongs to elfutils. Without that
/// library, and for programs without debugging information, no place is known.
class Lines
{
  public:
    Lines();
    ~Lines();
    Lines(const Lines&) = delete;

    /// The addresses of the calls that this thread is in, the innermost first. It has to be stopped
    /// by the thread that asks.
    std::vector<unsigned long> stack_of(pid_t process, pid_t thread);
    /// The innermost line of the program's own source, past the lab's headers and all libraries,
    /// that such a stack leads to: "server.cpp:31". Also when the process has ended.
    std::string place_of(pid_t process, const std::vector<unsigned long>& stack);
    /// The library's function that this line is in: "pthread_join", "std::thread::join". Empty if
    /// no line is known.
    std::string function_of(pid_t process, const std::vector<unsigned long>& stack);
    /// The process runs another program from now on.
    void forget(pid_t process);

  private:
    struct Program;
    Program* look_at(pid_t process);

    std::mutex mutex_;
    std::map<pid_t, std::unique_ptr<Program>> programs_;
};

} // namespace lab
