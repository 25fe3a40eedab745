#include "player.hpp"

#include <cstring>
#include <sstream>

void Player::stop()
{
    if (!has_ended) {
        program->set_aside();
        has_ended = was_stopped = true;
    }
}

std::string Player::last_words() const
{
    for (const std::string& text : {program->err(), program->out()}) {
        std::istringstream lines(text);
        std::string last;
        for (std::string line; std::getline(lines, line);) {
            last = line.find_first_not_of(" \t\r") == std::string::npos ? last : line;
        }
        if (!last.empty()) {
            return last.substr(0, 200);
        }
    }
    return "";
}

std::string Player::fate() const
{
    if (!has_ended || was_stopped) {
        return "";
    }
    if (const int signal = program->killed_by(); signal != 0) {
        return std::string("was ended by a signal: ") + ::strsignal(signal);
    }
    return "ended, with status " + std::to_string(program->status(Seconds(0)));
}

std::string command_of(const std::vector<std::string>& words)
{
    std::string command;
    for (const std::string& word : words) {
        std::string quoted;
        for (const char byte : word) {
            quoted += byte == '\'' ? "'\\''" : std::string(1, byte);
        }
        command += (command.empty() ? "'" : " '") + quoted + "'";
    }
    return command;
}
