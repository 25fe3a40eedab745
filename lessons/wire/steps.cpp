#include "steps.hpp"
#include "common/screen.hpp"

#include <csignal>

#include <termios.h>
#include <unistd.h>

namespace
{

termios usual{}; ///< the terminal's settings before

void restore() { ::tcsetattr(STDIN_FILENO, TCSANOW, &usual); }

extern "C" void restore_and_end(int number)
{
    restore();
    ::signal(number, SIG_DFL);
    ::raise(number);
}

/// Waits for Enter (true), or for q or the end of the input (false).
bool goes_on()
{
    char key = 0;
    while (::read(STDIN_FILENO, &key, 1) == 1) {
        if (key == '\n' || key == '\r') {
            return true;
        }
        if (key == 'q' || key == 'Q' || key == 4) { // Ctrl-D
            return false;
        }
    }
    return false;
}

} // namespace

bool has_keys() { return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0; }

void print_step_by_step(const std::vector<std::string>& rows)
{
    ::tcgetattr(STDIN_FILENO, &usual);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        ::signal(number, restore_and_end);
    }
    termios keys = usual;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO); // each key at once, and unseen
    ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    log("Enter shows the next row, q ends.");
    for (const std::string& row : rows) {
        if (&row != rows.data() && !goes_on()) {
            break;
        }
        print(row);
    }
    restore();
}
