// screen.hpp: Python's print. Whole lines, at once, with control characters made visible.
#pragma once

#include <cerrno>
#include <clocale>
#include <concepts>
#include <cstdio>
#include <cwchar>
#include <cwctype>
#include <mutex>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/// Standard output or standard error. Lines of several threads never mix.
class Screen
{
  public:
    /// `warnings` is told when lines are dropped.
    explicit Screen(int fd, Screen* warnings = nullptr) : fd_(fd), warnings_(warnings) {}

    /// From now on no line waits for longer than a fifth of a second. The output is opened anew for
    /// that, as O_NONBLOCK on the present opening would reach the shell, too. open(2)
    void drop_lines_that_nobody_takes()
    {
        drops_ = true;
        struct stat status = {};
        if (fstat(fd_, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
            const std::string path = "/dev/fd/" + std::to_string(fd_);
            const int again = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY);
            if (again != -1) {
                ::dup2(again, fd_);
                ::close(again);
            }
        }
    }

    /// Writes these parts as one line. False, and `errno`, if that is not possible. A line of usual
    /// length needs no new memory.
    bool write_line(std::initializer_list<std::string_view> parts)
    {
        const std::lock_guard lock(mutex_);
        line_ = cut_ ? "\n" : ""; // what was written last was a part of a line
        for (const std::string_view part : parts) {
            line_ += part;
        }
        line_ += '\n';

        const bool warned = lost_;
        std::size_t written = 0;
        while (written < line_.size()) {
            const ssize_t count = ::write(fd_, line_.data() + written, line_.size() - written);
            if (count > 0) {
                written += static_cast<std::size_t>(count);
                lost_ = false;
            } else if (errno == EAGAIN && !lost_) { // nobody takes it: later lines do not wait
                pollfd writable{fd_, POLLOUT, 0};
                lost_ = ::poll(&writable, 1, drops_ ? 200 : -1) == 0;
            } else if (errno != EINTR) {
                break;
            }
        }
        lost_ = written < line_.size();
        cut_ = written == 0 ? cut_ : lost_;
        if (lost_ && drops_ && !warned && warnings_ != nullptr) {
            warnings_->write_line(
                {"warning: standard output takes no more lines. They are dropped until it does."});
        }
        return !lost_ || drops_;
    }

  private:
    const int fd_;
    Screen* const warnings_;
    bool drops_ = false;
    std::mutex mutex_;  ///< guards what follows
    bool lost_ = false; ///< the last line, or some of it
    bool cut_ = false;  ///< it was written in part
    std::string line_ = std::string(512, ' ');
};

inline Screen standard_error(STDERR_FILENO);
inline Screen standard_output(STDOUT_FILENO, &standard_error);

/// What print and log take: text, and numbers.
inline std::string_view text(std::string_view part) { return part; }
inline std::string text(char part) { return {part}; }
inline std::string text(std::integral auto part) { return std::to_string(part); }
inline std::string text(std::floating_point auto part) { return std::to_string(part); }

/// Prints one line on standard error, for what is not among the program's own lines.
template<class... Parts> void log(const Parts&... parts)
{
    standard_error.write_line({std::string_view(text(parts))...});
}

/// Prints one line on standard output: print("Hello, ", name, "!"). Throws std::system_error if it
/// cannot be written (a full disk); a server warns once, and goes on.
template<class... Parts> void print(const Parts&... parts)
{
    if (!standard_output.write_line({std::string_view(text(parts))...})) {
        throw std::system_error(errno, std::generic_category(), "standard output");
    }
}

/// For a server: its clients must not wait for a paused terminal or a full pipe.
inline void never_wait_for_the_screen()
{
    standard_output.drop_lines_that_nobody_takes();
    standard_error.drop_lines_that_nobody_takes();
}

/// `text` with control characters, and bytes that are not UTF-8, as \n, \t or \x1b: the peer must
/// not move the cursor, or worse, on this screen. mbrtowc(3)
inline std::string visible(std::string_view text)
{
    [[maybe_unused]] static const char* const utf8 = std::setlocale(LC_CTYPE, "C.UTF-8");
    std::string shown;
    while (!text.empty()) {
        wchar_t character = 0;
        std::mbstate_t state{};
        std::size_t length = std::mbrtowc(&character, text.data(), text.size(), &state);
        const bool valid = length != 0 && length <= text.size();
        length = valid ? length : 1;
        if (valid && std::iswcntrl(static_cast<wint_t>(character)) == 0) {
            shown += text.substr(0, length);
        } else if (const auto at = std::string_view("\n\t\r").find(text[0]); at < 3) {
            shown += {'\\', "ntr"[at]};
        } else {
            for (const char byte : text.substr(0, length)) {
                char hex[5];
                std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(byte));
                shown += hex;
            }
        }
        text.remove_prefix(length);
    }
    return shown;
}
