#include "trace.hpp"

#include "syscalls.hpp"

#include <cerrno>
#include <csignal>
#include <future>
#include <utility>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lab
{
namespace
{

constexpr int to_interrupt = SIGURG; ///< the program does not get it

/// True for the signals that a program's own doing brings it.
bool ends_programs(int signal)
{
    return signal == SIGSEGV || signal == SIGABRT || signal == SIGPIPE || signal == SIGFPE ||
           signal == SIGBUS || signal == SIGILL;
}

} // namespace

bool Trace::is_possible()
{
    const pid_t child = fork();
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    const bool is_seen = access("/proc/self/fd", X_OK) == 0; // what descriptors are of
    const bool is_possible = is_seen && ptrace(PTRACE_SEIZE, child, nullptr, nullptr) == 0;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return is_possible;
}

Trace::Trace(pid_t child) : child_(child)
{
    std::promise<bool> began;
    thread_ = std::thread([this, &began] { // only the thread that begins may ask ptrace
        constexpr long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                                 PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD |
                                 PTRACE_O_EXITKILL;
        const bool is_allowed = ptrace(PTRACE_SEIZE, child_, nullptr, options) == 0;
        if (is_allowed) {
            alive_.insert(child_);
        }
        began.set_value(is_allowed);
        if (is_allowed) {
            watch();
        }
    });
    is_allowed_ = began.get_future().get();
}

void Trace::end()
{
    is_ending_ = true;
    {
        const std::lock_guard lock(mutex_);
        for (const pid_t each : alive_) {
            kill(each, SIGKILL);
        }
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

std::vector<Call> Trace::calls() const
{
    const std::lock_guard lock(mutex_);
    return calls_;
}

std::vector<pid_t> Trace::alive() const
{
    const std::lock_guard lock(mutex_);
    return {alive_.begin(), alive_.end()};
}

bool Trace::has_seen_enough() const
{
    const std::lock_guard lock(mutex_);
    return calls_.size() >= most_calls;
}

std::optional<int> Trace::status() const
{
    const std::lock_guard lock(mutex_);
    return status_;
}

Sentence Trace::occupation_of(pid_t process, pid_t thread, std::string& place)
{
    const Sentence occupation = lab::occupation_of(process, thread);
    std::unique_lock lock(mutex_);
    wanted_ = thread;
    wanted_stack_.clear();
    if (syscall(SYS_tgkill, process, thread, to_interrupt) == 0) {
        is_known_.wait_for(lock, times::to_answer, [&] { return wanted_ == 0; });
    }
    wanted_ = 0;
    place = lines_.place_of(process, wanted_stack_);
    const std::string function = lines_.function_of(process, wanted_stack_);
    const bool is_known = !function.empty() && occupation.english().starts_with("waits");
    return is_known ? fill("waits in {call}", {{"call", function + "()"}}) : occupation;
}

void Trace::watch()
{
    const auto goes_on = [](pid_t thread, int signal) {
        ptrace(PTRACE_CONT, thread, nullptr, static_cast<long>(signal));
    };
    for (;;) {
        int status = 0;
        const pid_t thread =
            waitpid(-1, &status, __WALL | __WNOTHREAD | (held_ != 0 ? WNOHANG : 0));
        if (thread == 0) { // nothing has come, and one is held
            if (Clock::now() - held_since_ > times::to_mix || is_ending_) {
                release();
            }
            std::this_thread::sleep_for(times::of_a_poll);
            continue;
        }
        if (thread == -1 && errno == EINTR) {
            continue;
        }
        if (thread == -1) {
            return; // all have ended
        }
        if (!WIFSTOPPED(status)) {
            has_ended(thread, status);
            continue;
        }
        if (is_ending_) {
            kill(process_of(thread), SIGKILL);
        }
        const int event = status >> 16;
        const int signal = WSTOPSIG(status);
        const bool is_group_stop =
            event == PTRACE_EVENT_STOP &&
            (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU);
        if (event == PTRACE_EVENT_SECCOMP) {
            enters(thread);
        } else if (signal == (SIGTRAP | 0x80)) {
            returns(thread);
        } else if (is_group_stop) {
            ptrace(PTRACE_LISTEN, thread, nullptr, nullptr);
        } else {
            if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
                event == PTRACE_EVENT_CLONE) {
                forks(thread);
            } else if (event == PTRACE_EVENT_EXEC) {
                lines_.forget(process_of(thread));
                pending_.erase(thread);
            }
            const bool is_wanted = event == 0 && signal == to_interrupt && thread == wanted_;
            if (is_wanted) {
                auto stack = lines_.stack_of(process_of(thread), thread);
                const std::lock_guard lock(mutex_);
                wanted_ = 0;
                wanted_stack_ = std::move(stack);
                is_known_.notify_all();
            }
            if (event == 0 && !is_wanted && ends_programs(signal)) {
                note(thread, "signal", signal);
            }
            goes_on(thread, event != 0 || is_wanted ? 0 : signal);
        }
    }
}

} // namespace lab
