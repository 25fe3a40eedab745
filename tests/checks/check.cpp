// check.cpp: the exercise's checks, one after another, as a student sees them: it goes through the
// notebook's steps in order, stops at the first that does not hold, and says what is next. It runs
// the same tests as GoogleTest's own runner does; what is printed about them, and in which order,
// is in checks.tsv.
//
// Most checks wait more than they work, so a few run ahead of the one that is shown, each in a
// process and a network of its own.
//
// The environment: SERVER and CLIENT, the commands to judge; COMPILE, the command that compiles a
// {program}, if that is a check; ALL=1 goes on after a failure; CHECKS, where the table is; AHEAD,
// how many run at once; UNWATCHED=1, the programs' calls are not looked at; ONLY, the names of the
// checks to make. For marking: MARKING=1 accepts programs that have the notebook's port and pause
// only, and tries a check that measures time again, alone, when it has failed; KEEP_USERS=1,
// programs run as other users; RESULTS, a file to which a line is added for each check.
#include "compiling.hpp"
#include "harness.hpp"
#include "language.hpp"
#include "ports.hpp"
#include "table.hpp"
#include "tests/watch/network.hpp"
#include "trial.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include <unistd.h>

using namespace lab;

namespace
{

class Colours
{
  public:
    std::string good(const std::string& text) const { return paint("32", text); }
    std::string bad(const std::string& text) const { return paint("33", text); }
    std::string faint(const std::string& text) const { return paint("2", text); }

  private:
    std::string paint(const std::string& code, const std::string& text) const
    {
        return used_ ? "\x1b[" + code + "m" + text + "\x1b[0m" : text;
    }
    const bool used_ = isatty(STDOUT_FILENO) != 0 && variable("NO_COLOR").empty();
};

std::string indented(const std::string& text)
{
    std::string result;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        result += line.empty() ? "\n" : "      " + line + "\n";
    }
    return result;
}

class Run
{
  public:
    /// `alone`: there is only everyone's network.
    Run(std::vector<Check> checks, bool alone) : checks_(std::move(checks)), alone_(alone)
    {
        std::erase_if(checks_, [](const Check& check) { return !is_asked_for(check); });
    }

    /// All of them, or as far as the first that does not hold. Returns the exit status.
    int all()
    {
        for (std::size_t i = 0; i < checks_.size(); ++i) {
            const Check& check = checks_[i];
            show(check);
            if (!can_be_tried(check)) {
                trials_.erase(check.name);
                record(check, "not tried", {});
                tried_.insert(check.name); // what needs it cannot be tried either
                std::cout << colours_.faint(shown("not tried")) << "\n";
                continue;
            }
            if (!holds(i) && variable("ALL") != "1") {
                break;
            }
        }
        trials_.clear();
        const auto first = std::find_if(checks_.begin(), checks_.end(), [&](const Check& check) {
            return !passed_.contains(check.name);
        });
        std::cout << shown(fill(first == checks_.end()
                                    ? "{passed} of {all} checks pass."
                                    : "{passed} of {all} checks pass. Next: {topic}.",
                                {{"passed", std::to_string(passed_.size())},
                                 {"all", std::to_string(checks_.size())},
                                 {"topic", first == checks_.end() ? "" : first->topic}}))
                  << std::endl;
        return first == checks_.end() ? 0 : 1;
    }

  private:
    static bool is_asked_for(const Check& check)
    {
        if (const std::string only = " " + variable("ONLY") + " ";
            only != "  " && only.find(" " + check.name + " ") == std::string::npos) {
            return false;
        }
        if (check.test == "Compiles") {
            return !variable("COMPILE").empty();
        }
        return (!is_of_server(check) || is_foreign("SERVER")) &&
               (!is_of_client(check) || is_foreign("CLIENT"));
    }

    static void show(const Check& check)
    {
        const Sentence step = fill(check.step == "-"           ? ""
                                   : contains(check.step, "-") ? "(steps {step})"
                                                               : "(step {step})",
                                   {{"step", check.step}});
        std::printf("%2d  %s%s", check.number, padded(shown(check.sentence), 33).c_str(),
                    padded(shown(step), 13).c_str());
        std::fflush(stdout);
    }

    /// True if this check is of a server, or of both programs; or of a client, or of both.
    static bool is_of_server(const Check& check)
    {
        return !check.test.starts_with("NotebookClient.");
    }
    static bool is_of_client(const Check& check)
    {
        return check.test.starts_with("NotebookClient.") || check.test.starts_with("Notebook.");
    }

    /// False if something that it needs was tried before, and does not hold: of the compiler it
    /// needs its own programs.
    bool can_be_tried(const Check& check) const
    {
        return std::none_of(check.needs.begin(), check.needs.end(), [&](const std::string& need) {
            if (need == "compiles" && tried_.contains(need)) {
                return (is_of_server(check) && !made_.contains("server")) ||
                       (is_of_client(check) && !made_.contains("client"));
            }
            return tried_.contains(need) && !passed_.contains(need) && !carried_.contains(need);
        });
    }

    /// Starts this check and those after it, as far as they are not started, and there is room.
    void start_from(std::size_t i)
    {
        const std::size_t jobs = alone_ && uses_fixed_port() ? 1
                                 : variable("AHEAD").empty() ? 6
                                                             : std::stoul(variable("AHEAD"));
        for (; i < checks_.size() && trials_.size() < jobs; ++i) {
            if (!trials_.contains(checks_[i].name) && can_be_tried(checks_[i])) {
                trials_.try_emplace(checks_[i].name, checks_[i], alone_);
            }
        }
    }

    /// Makes check number `i` and shows what came of it.
    bool holds(std::size_t i)
    {
        const Check& check = checks_[i];
        Outcome outcome;
        if (check.test == "Compiles") {
            outcome = compiles(made_);
            if (!made_.empty() && is_marking()) {
                accept_fixed_ports();
            }
        } else {
            start_from(i);
            outcome = trials_.at(check.name).outcome();
            trials_.erase(check.name);
            if (!outcome.holds && check.measures_time && is_marking()) {
                trials_.clear(); // alone this time
                outcome = Trial(check, alone_).outcome();
            }
            if (!outcome.carried.empty()) {
                trials_.clear(); // they expect something else now
                carried_.insert(check.name);
            }
            for (const auto& [what, text] : outcome.carried) {
                texts()[what] = text;
            }
        }
        const bool good = outcome.holds;
        record(check, good ? "passed" : "failed", outcome);
        tried_.insert(check.name);
        if (good) {
            passed_.insert(check.name);
        }
        std::cout << (good ? colours_.good(shown("ok")) : colours_.bad(shown("not yet"))) << "\n"
                  << indented(outcome.shown) << std::flush;
        return good;
    }

    /// Adds a line to the file of results, in JSON: the check, what came of it, what there is to
    /// say, part by part, and how that is shown.
    static void record(const Check& check, const std::string& result, const Outcome& outcome)
    {
        if (!variable("RESULTS").empty()) {
            std::ofstream(variable("RESULTS"), std::ios::app)
                << "{\"check\": " << in_json(check.name) << ", \"status\": " << in_json(result)
                << ", \"parts\": " << outcome.parts << ", \"shown\": " << in_json(outcome.shown)
                << "}" << std::endl;
        }
    }

    std::vector<Check> checks_;
    std::map<std::string, Trial> trials_; ///< those that run, or have run ahead
    std::set<std::string> tried_; ///< or known not to be worth it; what needs them looks there
    std::set<std::string> passed_;
    std::set<std::string> carried_; ///< those that found a text in the place of the notebook's
    std::set<std::string> made_;    ///< "server", "client": those that the compiler has not refused
    bool alone_;
    Colours colours_;
};

} // namespace

int main(int argc, char* argv[])
{
    testing::InitGoogleTest(&argc, argv);
    try {
        std::string why;
        make_programs_speak_english();
        Program::are_watched = variable("UNWATCHED").empty() && Trace::is_possible();
        most_printed = 1 << 20; // bytes; hundreds of clients are served with less
        const bool alone = !enter_private_network(why);
        if (argc == 2 && std::string(argv[1]) == "--can-isolate") { // scripts/mark asks
            return alone ? 1 : 0;
        }
        if (alone && uses_fixed_port()) {
            if (const Sentence taken = who_has_the_port(); !taken.empty()) {
                std::cerr << shown(taken) << "\n";
                return 1;
            }
        }
        if (!Program::are_watched) {
            std::cout << shown("The programs' calls are not seen here (ptrace(2) is not allowed): "
                               "what is said rests on their bytes alone.")
                      << "\n";
        }
        return Run(read_checks(), alone).all();
    } catch (const std::exception& error) {
        std::cerr << "check: " << error.what() << ".\n";
        return 1;
    }
}
