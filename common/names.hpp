// names.hpp: the names that a client sends: the notebook's three, or those it is given.
#pragma once

#include "command_line.hpp"

#include <unistd.h>

/// Why the server could not greet this name; empty if it can.
inline std::string objection(const std::string& name)
{
    if (name.empty()) {
        return "An empty name cannot be sent: TCP carries bytes, so the server would wait forever";
    }
    if (name.size() > 1024) {
        return "A name of " + std::to_string(name.size()) +
               " bytes is too long: the server receives 1024 at a time and greets it in pieces";
    }
    return name == "exit" ? "exit cannot be a name: it is how the client says good-bye" : "";
}

/// Names, one after another. If a single - is given, they are the lines of standard input.
class Names
{
  public:
    /// Throws UsageError if the server could not greet one of these.
    explicit Names(const std::vector<std::string>& given) : given_(given)
    {
        for (const std::string& name : given) {
            const bool dash = name == "-" && given.size() > 1;
            const std::string why =
                dash ? "- stands for standard input only if it is alone" : objection(name);
            if (!why.empty()) {
                throw UsageError(why);
            }
        }
    }

    /// The next name. False after the last one, or a line that says exit. At a terminal it asks,
    /// and asks again if the server could not greet that name.
    bool next(std::string& name)
    {
        if (given_.front() != "-") {
            name = count_ < given_.size() ? given_[count_++] : "";
            return !name.empty();
        }
        const bool asks = isatty(STDIN_FILENO) != 0;
        while (true) {
            std::cerr << (asks ? "Name (or exit): " : "");
            errno = 0; // still 0 at the end of the input
            if (!std::getline(std::cin, name) && errno != 0) {
                throw_errno("read standard input");
            }
            if (!std::cin || name == "exit") {
                return false;
            }
            ++count_;
            const std::string why = objection(name);
            if (why.empty()) {
                return true;
            }
            if (!asks) {
                throw std::runtime_error("standard input, line " + std::to_string(count_) + ": " +
                                         why);
            }
            log(why, ".");
        }
    }

  private:
    std::vector<std::string> given_;
    std::size_t count_ = 0; ///< names so far
};
