#include "compiling.hpp"
#include "diagnosis.hpp"
#include "harness.hpp"
#include "tests/watch/text.hpp"

#include <memory>
#include <sstream>
#include <utility>
#include <vector>

namespace lab
{

/// True if this command, SERVER or CLIENT, is of a program that has to be compiled first.
static bool is_own(const std::string& program)
{
    const std::string command = variable(program == "server" ? "SERVER" : "CLIENT");
    return contains(" " + command + " ", " ./" + program + " ");
}

Outcome compiles(std::set<std::string>& made)
{
    const std::string command = variable("COMPILE");
    std::vector<std::pair<std::string, std::unique_ptr<Program>>> compilers;
    const bool were_watched = std::exchange(Program::are_watched, false);
    for (const std::string program : {"server", "client"}) {
        if (is_own(program) ||
            !contains(command, "{program}")) { // what it says is read, in English
            const std::string line = fill(command, {{"program", program}}).english();
            compilers.emplace_back(program,
                                   std::make_unique<Program>("env LC_ALL=C " + line + " 2>&1"));
        } else {
            made.insert(program);
        }
    }
    Program::are_watched = were_watched;
    bool all_made = true;
    std::string said;
    Sentence diagnosis;
    for (const auto& [program, compiler] : compilers) {
        const bool is_made =
            compiler->status(is_marking() ? times::to_be_marked : times::to_compile) == 0;
        if (is_made) {
            made.insert(program);
        }
        if (all_made) {
            said += compiler->out();
            diagnosis = is_made ? "" : diagnose_compiler(compiler->out());
        }
        all_made = all_made && is_made;
    }
    std::istringstream lines(said);
    std::string shown;
    int count = 0;
    for (std::string line; std::getline(lines, line) && count < 24; ++count) {
        shown += line.substr(0, 300) + "\n";
    }
    Report report = {{"", shown}, {"diagnosis", diagnosis}};
    std::erase_if(report, [](const Part& part) { return part.text.empty(); });
    return {all_made, laid_out(report), in_json(report)};
}

} // namespace lab
