// command_line.hpp: Python's argparse. Options --name VALUE, and errors as a sentence and a status.
#pragma once

#include "screen.hpp"
#include "socket.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <map>

#include <getopt.h>

/// A wrong command line: ends in exit status 2.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws "invalid value 'abc' for --port: expected a whole number from 0 to 65535".
[[noreturn]] inline void refuse(const std::string& option, const std::string& value,
                                const std::string& expected)
{
    throw UsageError("invalid value '" + visible(value) + "' for " + option + ": expected " +
                     expected);
}

/// A whole number in decimal digits. Throws UsageError otherwise.
inline int whole_number(const std::string& option, const std::string& given, int least, int most)
{
    int value = -1;
    const char* const end = given.data() + given.size();
    const auto [stop, error] = std::from_chars(given.data(), end, value);
    if (given[0] == '-' || error != std::errc() || stop != end || value < least || value > most) {
        refuse(option, given,
               "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value;
}

/// Seconds with or without decimals: "1", "0.25", ".5". The limit is about eleven days.
inline Seconds decimal_seconds(const std::string& option, const std::string& given)
{
    const bool decimal = given.find_first_not_of("0123456789.") == std::string::npos &&
                         given.find_first_of("0123456789") != std::string::npos &&
                         std::count(given.begin(), given.end(), '.') <= 1;
    const Seconds value(decimal ? std::strtod(given.c_str(), nullptr) : -1);
    if (value < Seconds(0) || value > Seconds(1e6)) {
        refuse(option, given, "a decimal number of seconds from 0 to 1000000");
    }
    return value;
}

/// What stands on the command line. A method has an option's name, without dashes, and its default.
class CommandLine
{
  public:
    /// Reads the options called `names`, each with a value, and `flags`, without. --help prints
    /// `usage` and ends with status 0; an unknown option ends with status 2. getopt_long(3)
    CommandLine(int argc, char* argv[], const char* usage, const std::vector<const char*>& names,
                const std::vector<const char*>& flags = {})
    {
        std::vector<option> table;
        for (const char* name : names) {
            table.push_back({name, required_argument, nullptr, 0});
        }
        for (const char* name : flags) {
            table.push_back({name, no_argument, nullptr, 0});
        }
        table.push_back({"help", no_argument, nullptr, 'h'});
        table.push_back({});
        int index = 0;
        for (int found = 0; (found = ::getopt_long(argc, argv, "", table.data(), &index)) != -1;) {
            if (found == '?') { // getopt_long has said what is wrong
                std::exit(2);
            }
            if (found == 'h') {
                std::cout << usage;
                std::exit(0);
            }
            given_[table[static_cast<std::size_t>(index)].name] = optarg != nullptr ? optarg : "";
        }
        operands_.assign(argv + optind, argv + argc);
    }

    bool has(const std::string& name) const { return given_.contains(name); }
    std::string text(const std::string& name, const std::string& otherwise) const
    {
        if (given_.contains(name) && given_.at(name).empty()) {
            refuse("--" + name, "", "some text");
        }
        return given_.contains(name) ? given_.at(name) : otherwise;
    }
    int number(const std::string& name, int otherwise, int least,
               int most = std::numeric_limits<int>::max()) const
    {
        return given_.contains(name) ? whole_number("--" + name, given_.at(name), least, most)
                                     : otherwise;
    }
    Seconds seconds(const std::string& name, Seconds otherwise) const
    {
        return given_.contains(name) ? decimal_seconds("--" + name, given_.at(name)) : otherwise;
    }

    /// The operands. Throws UsageError if there are more than `most`.
    const std::vector<std::string>& operands(std::size_t most = static_cast<std::size_t>(-1)) const
    {
        if (operands_.size() > most) {
            throw UsageError("unexpected argument '" + visible(operands_[most]) + "'; try --help");
        }
        return operands_;
    }

  private:
    std::map<std::string, std::string> given_;
    std::vector<std::string> operands_;
};

/// What to do about an error that has a usual cause, as a sentence.
inline const char* advice(const std::exception& error)
{
    const auto* failed = dynamic_cast<const std::system_error*>(&error);
    const auto is = [&](const char* call, int code) {
        return failed != nullptr && failed->code().value() == code &&
               std::string_view(failed->what()).starts_with(call);
    };
    return is("bind ", EADDRINUSE) || is("listen ", EADDRINUSE)
               ? " Is another server running? Try --port 0."
           : is("bind ", EADDRNOTAVAIL)
               ? " This machine does not have that address. Try --host 127.0.0.1."
           : is("bind ", EACCES) ? " Ports under 1024 may need privileges. Try --port 9999."
           : is("connect ", ECONNREFUSED)
               ? " Is the server running? Start it in another terminal, and check the port."
           : is("connect ", ETIMEDOUT) || is("recv ", ETIMEDOUT)
               ? " Is it the right server? --timeout says how many seconds to wait."
               : "";
}

/// Says what went wrong. Returns the exit status: 2 for a wrong command line, otherwise 1.
inline int report(const std::exception& error)
{
    const std::string_view what = error.what();
    log(what, what.ends_with('.') || what.ends_with('?') ? "" : ".", advice(error));
    return dynamic_cast<const UsageError*>(&error) != nullptr ? 2 : 1;
}
