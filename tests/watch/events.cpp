// events.cpp: what the watching thread does when a thread that it watches has stopped: at a call,
// at its return, at a child, at its end.
#include "syscalls.hpp"
#include "trace.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <sys/ptrace.h>
#include <sys/wait.h>

namespace lab
{
namespace
{

constexpr int most_held = 5;    ///< lines; one would do
constexpr int most_placed = 40; ///< lines whose place is looked for: that costs

constexpr long errors_that_repeat =
    -512; ///< ERESTARTSYS and its kin: the kernel calls again after a signal

} // namespace

pid_t Trace::process_of(pid_t thread)
{
    pid_t& process = processes_[thread];
    if (process == 0) {
        std::ifstream file("/proc/" + std::to_string(thread) + "/status");
        for (std::string word; process == 0 && file >> word;) {
            if (word == "Tgid:") {
                file >> process;
            }
        }
        if (process != 0) { // else it has ended already
            const std::lock_guard lock(mutex_);
            alive_.insert(thread);
        }
    }
    return process == 0 ? thread : process;
}

void Trace::enters(pid_t thread)
{
    __ptrace_syscall_info stop{};
    ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof stop, &stop);
    Call call;
    call.process = process_of(thread);
    call.thread = thread;
    const auto number = static_cast<long>(stop.seccomp.nr);
    Given given{};
    std::transform(std::begin(stop.seccomp.args), std::end(stop.seccomp.args), given.begin(),
                   [](auto argument) { return static_cast<unsigned long>(argument); });
    const bool is_of_interest =
        calls_.size() < most_calls && read_entry(call.process, number, given, call);
    if (!is_of_interest) {
        ptrace(PTRACE_CONT, thread, nullptr, nullptr);
        return;
    }
    const bool is_print = call.kind == "print";
    prints_ += is_print ? 1 : 0;
    const bool has_a_place = is_print ? prints_ <= most_placed : call.kind != "poll";
    if (has_a_place) {
        call.stack = lines_.stack_of(call.process, thread);
    }
    const int arguments = known_calls().at(number).arguments;
    if (looks_at_sockets && (call.socket != 0 || call.kind == "socket")) {
        look_at_socket(call, call.descriptor);
    }
    call.begin = Clock::now();
    {
        const std::lock_guard lock(mutex_);
        pending_[thread] = {calls_.size(), arguments, given[1], given[2]};
        calls_.push_back(call);
        ++steps_;
    }
    if (!is_held(call)) {
        ptrace(PTRACE_SYSCALL, thread, nullptr, nullptr); // as far as its return
    }
}

/// True if the thread that makes this call is to wait, so that another one may print before it.
bool Trace::is_held(const Call& call)
{
    if (call.kind != "print" || call.data.empty()) {
        return false;
    }
    bool& is_in_a_line = in_a_line_[call.thread];
    const bool goes_on = is_in_a_line && call.data != "\n";
    is_in_a_line = !call.data.ends_with('\n');
    if (!mixes_ || !goes_on || held_ != 0 || times_held_ == most_held) {
        return false;
    }
    held_ = call.thread;
    held_since_ = Clock::now();
    ++times_held_;
    return true;
}

void Trace::release()
{
    if (held_ != 0) {
        ptrace(PTRACE_SYSCALL, std::exchange(held_, 0), nullptr, nullptr);
    }
}

void Trace::returns(pid_t thread)
{
    __ptrace_syscall_info stop{};
    ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof stop, &stop);
    const auto found = pending_.find(thread);
    if (found != pending_.end() && stop.op == PTRACE_SYSCALL_INFO_EXIT) {
        const auto [index, arguments, at, count] = found->second;
        Call call = calls_[index];
        const auto end = Clock::now();
        call.has_returned = true;
        call.result = static_cast<long>(stop.exit.rval);
        if (call.result <= errors_that_repeat && call.result > errors_that_repeat - 5) {
            call.result = -EINTR;
        }
        if (call.kind == "recv" && call.result > 0) {
            call.data =
                bytes_of(call.process, arguments, at, count, static_cast<std::size_t>(call.result));
        }
        if (call.kind == "accept" && call.result >= 0) {
            call.client = socket_of(call.process, call.result);
        }
        if (call.kind == "socket" && call.result >= 0) {
            call.socket = socket_of(call.process, call.result);
        }
        const bool is_new = call.result >= 0 && (call.kind == "accept" || call.kind == "socket");
        if (call.kind == "accept" ? is_new : looks_at_sockets && call.kind != "close") {
            look_at_socket(call, is_new ? call.result : call.descriptor);
        }
        // A segment that has changed the state has passed by then.
        call.end = looks_at_sockets ? Clock::now() : end;
        if (call.kind == "print") {
            release();
        }
        pending_.erase(found);
        const std::lock_guard lock(mutex_);
        calls_[index] = std::move(call);
        ++steps_;
    }
    ptrace(PTRACE_CONT, thread, nullptr, nullptr);
}

void Trace::forks(pid_t thread)
{
    unsigned long child = 0;
    ptrace(PTRACE_GETEVENTMSG, thread, nullptr, &child);
    const auto number = static_cast<pid_t>(child);
    if (number == 0) {
        return; // it was killed, and what it has started, too
    }
    ++started_;
    Call call;
    call.kind = call.name = process_of(number) == process_of(thread) ? "thread" : "fork";
    call.process = process_of(thread);
    call.thread = thread;
    call.client = number;
    call.begin = call.end = Clock::now();
    call.has_returned = true;
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
}

/// What is no call, but belongs among them: a signal, and the end that it has brought.
void Trace::note(pid_t thread, const char* kind, int signal)
{
    Call call;
    call.kind = kind;
    const char* name = sigabbrev_np(signal);
    call.name = std::string("SIG") + (name != nullptr ? name : std::to_string(signal));
    call.process = process_of(thread);
    call.thread = thread;
    call.result = signal;
    call.begin = call.end = Clock::now();
    if (call.kind == "signal") {
        call.stack = lines_.stack_of(call.process, thread);
    }
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
}

void Trace::has_ended(pid_t thread, int status)
{
    if (WIFSIGNALED(status) && process_of(thread) == thread) {
        note(thread, "killed", WTERMSIG(status));
    }
    pending_.erase(thread);
    processes_.erase(thread);
    held_ = held_ == thread ? 0 : held_;
    const std::lock_guard lock(mutex_);
    alive_.erase(thread);
    if (thread == child_) {
        status_ = status;
    }
}

} // namespace lab
