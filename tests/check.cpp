// check.cpp: the exercise's checks, one after another, as a student sees them: it goes through the
// notebook's steps in order, stops at the first that does not hold, and says what is next. It runs
// the same tests as GoogleTest's own runner does; what is printed about them, and in which order,
// is in checks.tsv.
//
// The environment: SERVER and CLIENT, the commands to judge; COMPILE, the command that compiles
// them, if that is a check; ALL=1 goes on after a failure; CHECKS, where the table is.
#include "diagnosis.hpp"
#include "harness.hpp"
#include "network.hpp"
#include "process.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace lab;

namespace
{

/// A row of the table.
struct Check {
    std::string name;
    std::string test; ///< GoogleTest's name for it
    std::string step;
    int points = 0;
    std::vector<std::string> needs; ///< what cannot be tried is neither passed nor failed
    std::string sentence;
    std::string topic;
    int number = 0;
};

std::vector<Check> read_checks(const std::string& path)
{
    std::ifstream file(path);
    std::vector<Check> checks;
    int number = 0;
    for (std::string row; std::getline(file, row);) {
        if (row.empty() || row[0] == '#') {
            continue;
        }
        std::istringstream fields(row);
        Check check;
        std::string points;
        std::string needs;
        for (std::string* field : {&check.name, &check.test, &check.step, &points, &needs,
                                   &check.sentence, &check.topic}) {
            std::getline(fields, *field, '\t');
        }
        if (check.topic.empty() || points.find_first_not_of("0123456789") != std::string::npos) {
            throw std::runtime_error(
                path + ": a row has seven fields with tabs between them, not: " + row);
        }
        check.points = std::stoi(points);
        std::istringstream list(needs);
        for (std::string need; list >> need;) {
            if (need != "-") {
                check.needs.push_back(need);
            }
        }
        check.number = ++number;
        checks.push_back(check);
    }
    if (checks.empty()) {
        throw std::runtime_error(path + ": no table of the checks is there");
    }
    return checks;
}

/// Hears what GoogleTest reports of the test that runs, and says nothing itself.
class Ear : public testing::EmptyTestEventListener
{
  public:
    std::string first_failure;
    bool skipped = false;
    bool ran = false;

    void OnTestStart(const testing::TestInfo& /*test*/) override { ran = true; }
    void OnTestPartResult(const testing::TestPartResult& result) override
    {
        skipped = skipped || result.skipped();
        if (result.failed() && first_failure.empty()) {
            first_failure = result.message();
            if (first_failure.starts_with("Failed\n")) {
                first_failure.erase(0, 7);
            }
        }
    }
};

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

/// True if what is judged can only have the notebook's port.
bool uses_fixed_port()
{
    return (is_foreign("SERVER") && !takes_port("SERVER")) ||
           (is_foreign("CLIENT") && !takes_port("CLIENT"));
}

/// What becomes of the compiler: true if it made the programs. Its warnings and errors are in
/// `said`.
bool compiles(const std::string& command, std::string& said)
{
    Program compiler(command + " 2>&1");
    const bool done = compiler.status(Seconds(300)) == 0;
    std::istringstream lines(compiler.out());
    int count = 0;
    for (std::string line; std::getline(lines, line) && count < 24; ++count) {
        said += line + "\n";
    }
    const std::string all = compiler.out();
    if (!done && all.find("Socket") != std::string::npos &&
        (all.find("deleted function") != std::string::npos ||
         all.find("invoke") != std::string::npos)) {
        said += "diagnosis   A Socket has one owner and cannot be copied: hand it over with "
                "std::move(sock).\n";
    }
    return done;
}

/// Where the run shares the network with everyone: who has port 9999, in plain words; empty if it
/// is free.
std::string who_has_the_port()
{
    for (const ListeningSocket& socket : listening_sockets_of(0)) {
        if (socket.port == 9999 && !socket.datagrams) {
            return "Port 9999 is taken, by " +
                   (socket.program.empty()
                        ? "a program of another user"
                        : "\"" + socket.program + "\", process " + std::to_string(socket.owner)) +
                   ". Your program could not have it, and that one would be judged. Stop it "
                   "(Ctrl-C in its terminal" +
                   (socket.owner != 0 ? ", or kill " + std::to_string(socket.owner) : "") +
                   "), and start again.";
        }
    }
    return "";
}

/// True if a server without SO_REUSEADDR could have port 9999.
bool the_port_is_free()
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9999);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return is_free;
}

/// Waits until connections that ended a moment ago no longer hold the port: TIME_WAIT, in tcp(7).
void wait_for_the_port()
{
    if (!the_port_is_free()) {
        std::cerr << "\nWaiting up to a minute for port 9999: connections that have just ended "
                     "still hold it "
                     "(TIME_WAIT).\n";
        eventually(the_port_is_free, Seconds(65));
    }
}

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
    explicit Run(std::vector<Check> checks) : checks_(std::move(checks))
    {
        testing::UnitTest::GetInstance()->listeners().Append(ear_);
        delete testing::UnitTest::GetInstance()->listeners().Release(
            testing::UnitTest::GetInstance()->listeners().default_result_printer());
        std::erase_if(checks_, [](const Check& check) { return !is_asked_for(check); });
    }

    /// All of them, or as far as the first that does not hold. Returns the exit status.
    int all()
    {
        for (const Check& check : checks_) {
            const auto missing =
                std::find_if(check.needs.begin(), check.needs.end(), [&](const std::string& need) {
                    return std::any_of(checks_.begin(), checks_.end(),
                                       [&](const Check& each) { return each.name == need; }) &&
                           !passed_.contains(need);
                });
            show(check);
            if (missing != check.needs.end()) {
                std::cout << colours_.faint("not tried") << "\n";
                continue;
            }
            if (!holds(check) && variable("ALL") != "1") {
                break;
            }
        }
        const auto first = std::find_if(checks_.begin(), checks_.end(), [&](const Check& check) {
            return !passed_.contains(check.name);
        });
        std::cout << passed_.size() << " of " << checks_.size() << " checks pass.";
        std::cout << (first == checks_.end() ? "" : " Next: " + first->topic + ".") << std::endl;
        return first == checks_.end() ? 0 : 1;
    }

  private:
    static bool is_asked_for(const Check& check)
    {
        const bool server =
            check.test.starts_with("NotebookServer.") || check.test.starts_with("Further.");
        const bool client = check.test.starts_with("NotebookClient.");
        if (check.test == "Compiles") {
            return !variable("COMPILE").empty();
        }
        return server   ? is_foreign("SERVER")
               : client ? is_foreign("CLIENT")
                        : is_foreign("SERVER") && is_foreign("CLIENT");
    }

    static void show(const Check& check)
    {
        const std::string step = check.step == "-" ? ""
                                 : check.step.find('-') != std::string::npos
                                     ? "(steps " + check.step + ")"
                                     : "(step " + check.step + ")";
        std::printf("%2d  %-33s%-13s", check.number, check.sentence.c_str(), step.c_str());
        std::fflush(stdout);
    }

    /// Makes the check and shows what came of it.
    bool holds(const Check& check)
    {
        std::string details;
        bool good = false;
        if (check.test == "Compiles") {
            good = compiles(variable("COMPILE"), details);
        } else {
            if (std::string why; !enter_private_network(why) && uses_fixed_port()) {
                wait_for_the_port();
            }
            ear_->first_failure.clear();
            ear_->ran = ear_->skipped = false;
            testing::GTEST_FLAG(filter) = check.test;
            good = RUN_ALL_TESTS() == 0 && ear_->ran && !ear_->skipped;
            details = ear_->ran ? ear_->first_failure : "There is no test " + check.test + ".\n";
        }
        if (good) {
            passed_.insert(check.name);
        }
        std::cout << (good ? colours_.good("ok") : colours_.bad("not yet")) << "\n"
                  << indented(details) << std::flush;
        return good;
    }

    std::vector<Check> checks_;
    std::set<std::string> passed_;
    Ear* ear_ = new Ear; ///< GoogleTest owns it
    Colours colours_;
};

} // namespace

int main(int argc, char* argv[])
{
    testing::InitGoogleTest(&argc, argv);
    try {
        const std::string table =
            variable("CHECKS").empty() ? "lessons/exercise/checks.tsv" : variable("CHECKS");
        std::string why;
        if (!enter_private_network(why) && uses_fixed_port()) {
            if (const std::string taken = who_has_the_port(); !taken.empty()) {
                std::cerr << taken << "\n";
                return 1;
            }
        }
        return Run(read_checks(table)).all();
    } catch (const std::exception& error) {
        std::cerr << "check: " << error.what() << ".\n";
        return 1;
    }
}
