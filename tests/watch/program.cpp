#include "program.hpp"
#include "process.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <system_error>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lab
{
std::size_t most_printed = std::numeric_limits<std::size_t>::max();

Program::Program(const std::string& command, const std::string& input, Output output)
    : command_(command), out_(temporary_file()), err_(temporary_file())
{
    const int in = temporary_file();
    if (write(in, input.data(), input.size()) != static_cast<ssize_t>(input.size())) {
        fail("write a program's input");
    }
    lseek(in, 0, SEEK_SET);
    int screen = -1;
    if (output == Output::terminal) {
        if (openpty(&terminal_, &screen, nullptr, nullptr, nullptr) == -1) {
            fail("open a terminal");
        }
        fcntl(terminal_, F_SETFD, FD_CLOEXEC);
        fcntl(terminal_, F_SETFL, O_NONBLOCK);
    }
    if (output == Output::full) {
        screen = full_pipe(pipe_);
    }
    const std::string line = "exec " + command;
    std::array<int, 2> go{}; // the program begins when it is known whether it is watched
    if (pipe2(go.data(), O_CLOEXEC) == -1) {
        fail("make a pipe");
    }
    pid_ = fork();
    if (pid_ == -1) {
        fail("fork");
    }
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(go[1]);
        setpgid(0, 0);
        char watched = 0; // nothing comes, if this process's parent has gone
        if (read(go[0], &watched, 1) != 1) {
            _exit(127);
        }
        for (int number = 1; number < NSIG; ++number) {
            ::signal(number, SIG_DFL); // Python, for one, has its children ignore SIGPIPE
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        dup2(in, STDIN_FILENO);
        dup2(screen != -1 ? screen : out_, STDOUT_FILENO);
        dup2(err_, STDERR_FILENO);
        if (output == Output::file) { // the notebook's print has no flush=True
            setenv("PYTHONUNBUFFERED", "1", 1);
        }
        if (watched == 'w') {
            const std::string options =
                variable("ASAN_OPTIONS"); // it cannot look for leaks when it is watched
            setenv("ASAN_OPTIONS",
                   (options + (options.empty() ? "" : ":") + "detect_leaks=0").c_str(), 1);
            Trace::stop_at_calls();
        }
        execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
        _exit(127);
    }
    setpgid(pid_, pid_); // whoever is first
    note_running(0, pid_);
    if (are_watched) {
        trace_ = std::make_unique<Trace>(pid_);
        if (!trace_->is_allowed()) {
            trace_.reset();
        }
    }
    if (write(go[1], trace_ ? "w" : "-", 1) != 1) {
        fail("start a program");
    }
    ::close(go[0]);
    ::close(go[1]);
    ::close(in);
    if (screen != -1) {
        ::close(screen);
    }
}

void Program::kill_all() const
{
    kill(-pid_, SIGKILL); // also its children, if it has ended itself
    if (is_marking()) {   // a sandbox's programs end, and give their port back, a moment after it
        eventually([&] { return activity_of(pid_).processes == 0; }, times::to_end);
    }
}

Program::~Program()
{
    if (at_end) {
        at_end(*this);
    }
    kill_all();
    note_running(pid_, 0);
    if (status_ == -1 && !trace_) {
        waitpid(pid_, nullptr, 0);
    }
    trace_.reset();
    for (const int fd : {out_, err_, terminal_, pipe_}) {
        if (fd != -1) {
            ::close(fd);
        }
    }
}

std::string Program::out() const
{
    std::array<char, 4096> buffer;
    for (ssize_t n; terminal_ != -1 && (n = read(terminal_, buffer.data(), buffer.size())) > 0;) {
        if (write(out_, buffer.data(), static_cast<std::size_t>(n)) != n) {
            fail("keep what a program prints");
        }
    }
    std::string text = contents(out_, most_printed);
    if (terminal_ != -1) { // a terminal shows each newline as \r\n
        std::erase(text, '\r');
    }
    return text;
}
std::string Program::err() const { return contents(err_, most_printed); }

bool Program::prints_without_end() const
{
    const auto size = [](int fd) {
        struct stat about {
        };
        return fstat(fd, &about) == 0 ? static_cast<std::size_t>(about.st_size) : 0;
    };
    constexpr std::size_t enough = 100'000; // bytes, in as many calls as are looked at
    const bool calls_without_end = trace_ && trace_->has_seen_enough();
    return std::max(size(out_), size(err_)) >= (calls_without_end ? enough : most_printed);
}

void Program::signal(int number) const { kill(pid_, number); }

bool Program::prints(const std::string& text, Seconds limit) const
{
    return eventually([&] { return out().find(text) != std::string::npos; }, limit);
}

bool Program::reports(const std::string& text, Seconds limit) const
{
    return eventually([&] { return err().find(text) != std::string::npos; }, limit);
}

void Program::set_aside()
{
    const bool runs = !has_ended();
    set_aside_ = true;
    if (runs) {
        kill_all();
        trace_ ? trace_->end() : static_cast<void>(waitpid(pid_, nullptr, 0));
    }
}

std::vector<Call> Program::calls() const { return trace_ ? trace_->calls() : std::vector<Call>(); }

void Program::let_lines_mix()
{
    if (trace_) {
        trace_->let_lines_mix();
    }
}

/// What waitpid says, if it has ended.
bool Program::ask_status(int& raw) const
{
    if (!trace_) {
        return waitpid(pid_, &raw, WNOHANG) == pid_;
    }
    raw = trace_->status().value_or(0);
    return trace_->status().has_value();
}

int Program::status(Seconds limit)
{
    eventually(
        [&] {
            int raw = 0;
            if (status_ == -1 && !set_aside_ && ask_status(raw)) {
                signal_ = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0;
                status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + signal_;
                signal_ = is_marking() && status_ > 128 && status_ < 160 ? status_ - 128 : signal_;
            }
            return status_ != -1 || set_aside_;
        },
        limit);
    return status_;
}

bool Program::until(const std::function<bool()>& condition, Seconds silence, Seconds at_most)
{
    const Seconds longest =
        at_most > Seconds(0) ? at_most : std::min(patience, silence * 5 + times::a_while);
    const auto start = Clock::now();
    auto last_seen_at_work = start;
    auto next_look = start;
    Activity before;
    std::size_t steps_before = 0;
    while (!condition()) {
        const auto now = Clock::now();
        if (prints_without_end()) {
            kill(-pid_, SIGSTOP); // what it has can still be looked at
            return condition();
        }
        if (has_ended()) {
            return condition(); // its last act may have been just that
        }
        if (now >= next_look) {
            const Activity activity = trace_ ? activity_of(trace_->alive()) : activity_of(pid_);
            const std::size_t steps = trace_ ? trace_->steps() + trace_->started() : 0;
            if (activity.runs || activity.ticks != before.ticks || steps != steps_before) {
                last_seen_at_work = now;
            }
            before = activity;
            steps_before = steps;
            next_look =
                Clock::now() + std::chrono::duration_cast<Clock::duration>(times::between_readings);
        }
        if (now - last_seen_at_work > silence || now - start > longest) {
            return false;
        }
        rest_from(now);
    }
    return true;
}

Sentence Program::fate()
{
    static const std::map<int, std::string> reasons = {
        {SIGSEGV, "SIGSEGV (it used memory that is not its own: a bad pointer, or an array's end)"},
        {SIGABRT, "SIGABRT (it gave up: an exception that nothing catches, or damaged memory)"},
        {SIGPIPE, "SIGPIPE (it sent on a connection that was gone)"},
        {SIGBUS, "SIGBUS (bad memory access)"},
        {SIGFPE, "SIGFPE (a division by zero)"},
        {SIGKILL, "SIGKILL"},
        {SIGTERM, "SIGTERM"},
        {SIGINT, "SIGINT"},
        {SIGALRM, "SIGALRM (an alarm that nothing handles)"},
        {SIGILL, "SIGILL (an illegal instruction)"},
        {SIGXFSZ, "SIGXFSZ (it wrote more than it may)"},
        {SIGXCPU, "SIGXCPU (it used more CPU time than it may)"},
    };
    const int number = status(Seconds(0));
    if (number == -1) {
        return "is still running";
    }
    if (signal_ != 0) {
        const auto reason = reasons.find(signal_);
        return reason != reasons.end()
                   ? fill("was killed by {signal}", {{"signal", reason->second}})
                   : fill("was killed by signal {number}", {{"number", std::to_string(signal_)}});
    }
    if ((number == 126 || number == 127) && err().find("sh: ") != std::string::npos) {
        return "could not be started";
    }
    return fill("ended by itself, with exit status {number}", {{"number", std::to_string(number)}});
}

std::string Program::last_words() const
{
    std::string text = err();
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    std::size_t begin = text.size();
    for (int lines = 0; lines < 4 && begin != std::string::npos && begin > 0; ++lines) {
        begin = text.rfind('\n', begin - 1);
    }
    text = text.substr(begin == std::string::npos || begin == 0 ? 0 : begin + 1);
    constexpr std::size_t most = 1200; // four lines are not always short
    return text.size() > most ? text.substr(0, most) + " ..." : text;
}
} // namespace lab
