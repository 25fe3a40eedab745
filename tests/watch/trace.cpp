#include "trace.hpp"

#include "syscalls.hpp"
#include "text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>
#include <utility>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lab
{
namespace
{

/// One that makes more has gone round without an end: what it does can be seen from these.
constexpr std::size_t most_calls = 20'000;

constexpr Seconds time_to_mix{0.2}; ///< others are at work on their lines at the same time
constexpr int most_held = 5;        ///< lines; one would do

constexpr int to_interrupt = SIGURG; ///< the program does not get it
constexpr Seconds time_to_answer{0.5};

constexpr long errors_that_repeat =
    -512; ///< ERESTARTSYS and its kin: the kernel calls again after a signal

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
        is_known_.wait_for(lock, time_to_answer, [&] { return wanted_ == 0; });
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
            if (Clock::now() - held_since_ > time_to_mix || is_ending_) {
                release();
            }
            std::this_thread::sleep_for(std::chrono::microseconds(200));
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
        const std::lock_guard lock(mutex_);
        alive_.insert(thread);
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
    const bool has_a_place = call.kind != "poll" && call.kind != "print";
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
