// check.cpp: the exercise's checks, one after another, as a student sees them: it goes through the
// notebook's steps in order, stops at the first that does not hold, and says what is next. It runs
// the same tests as GoogleTest's own runner does; what is printed about them, and in which order,
// is in checks.tsv.
//
// Most checks wait more than they work, so a few run ahead of the one that is shown, each in a
// process and a network of its own.
//
// The environment: SERVER and CLIENT, the commands to judge; COMPILE, the command that compiles
// them, if that is a check; ALL=1 goes on after a failure; CHECKS, where the table is; AHEAD, how
// many run at once; ONLY, the names of the checks to make. For marking: MARKING=1 accepts programs
// that have the notebook's port and pause only, and tries a check that measures time again, alone,
// when it has failed; KEEP_USERS=1, the programs run as other users; RESULTS, a file to which a line
// is added for each check.
#include "diagnosis.hpp"
#include "finding.hpp"
#include "harness.hpp"
#include "network.hpp"
#include "process.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lab;

namespace
{

/// A row of the table.
struct Check {
    std::string name;
    std::string test; ///< GoogleTest's name for it
    std::string step;
    std::vector<std::string> needs; ///< what cannot be tried is neither passed nor failed
    std::string sentence;
    std::string topic;
    bool measures_time = false; ///< a busy machine may make it fail
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
        std::string remark;
        for (std::string* field : {&check.name, &check.test, &check.step, &points, &needs,
                                   &check.sentence, &check.topic, &remark}) {
            std::getline(fields, *field, '\t');
        }
        check.measures_time = remark == "time";
        if (check.topic.empty() || points.find_first_not_of("0123456789") != std::string::npos) {
            throw std::runtime_error(
                path + ": a row has seven or eight fields with tabs between them, not: " + row);
        }
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
    std::string note; ///< on what is not wrong, but not the notebook's either
    bool skipped = false;
    bool ran = false;

    void OnTestEnd(const testing::TestInfo& test) override
    {
        for (int i = 0; i < test.result()->test_property_count(); ++i) {
            note += part("note", test.result()->GetTestProperty(i).value());
        }
    }
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
    const bool done = compiler.status(Seconds(is_marking() ? 60 : 300)) == 0;
    std::istringstream lines(compiler.out());
    int count = 0;
    for (std::string line; std::getline(lines, line) && count < 24; ++count) {
        said += line.substr(0, 300) + "\n";
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

/// A program that has the notebook's port, whatever is asked for, is right, too: from now on it is
/// judged there. Which port it has, is tried.
void accept_fixed_ports()
{
    const auto fix = [](const char* name) {
        setenv(name, fill_in(fill_in(variable(name), "{port}", "9999"), "{delay}", "1").c_str(), 1);
    };
    if (is_foreign("SERVER")) {
        Server server;
        const auto listens = [&](int port) {
            const auto sockets = listening_sockets_of(server.pid());
            return std::any_of(sockets.begin(), sockets.end(),
                               [&](const auto& socket) { return socket.port == port; });
        };
        if (!server.listens() && listens(9999)) {
            fix("SERVER");
        }
    }
    if (is_foreign("CLIENT") && the_port_is_free()) {
        const Listener asked;
        const Listener notebook(9999);
        Program client(client_command(asked.port()));
        client.until([&] { return asked.has_client() || notebook.has_client(); }, Seconds(1.5));
        if (!asked.has_client() && notebook.has_client()) {
            fix("CLIENT");
        }
    }
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

/// Waits until connections that ended a moment ago no longer hold the port: TIME_WAIT, in tcp(7).
void wait_for_the_port()
{
    if (!the_port_is_free()) {
        std::cerr << "\nWaiting up to a minute for port 9999: connections that have just ended "
                     "still hold it (TIME_WAIT).\n";
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

/// A check that is made in a process of its own. What it found is read from a pipe.
class Trial
{
  public:
    /// Starts it. `alone`: in everyone's network, because there is no other.
    Trial(const Check& check, bool alone)
    {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) == -1 || (pid_ = fork()) == -1) {
            throw std::system_error(errno, std::generic_category(), "a check could not be started");
        }
        result_ = ends[0];
        if (pid_ == 0) {
            end_programs_on_signals();
            prctl(PR_SET_PDEATHSIG, SIGTERM); // Ctrl-C may have ended the one that waits for this
            std::string details;
            const bool good = run(check, alone, details);
            const bool written = write(ends[1], details.data(), details.size()) ==
                                 static_cast<ssize_t>(details.size());
            _exit(written && good ? 0 : 1);
        }
        close(ends[1]);
    }
    ~Trial()
    {
        if (pid_ != -1) { // nobody needs to know any more
            kill(pid_, SIGTERM);
            waitpid(pid_, nullptr, 0);
        }
        close(result_);
    }
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    /// Waits for what came of it: true if it holds. What there is to say of it, in `details`.
    bool holds(std::string& details)
    {
        std::array<char, 4096> buffer;
        for (ssize_t n; (n = read(result_, buffer.data(), buffer.size())) > 0;) {
            details.append(buffer.data(), static_cast<std::size_t>(n));
        }
        int status = 0;
        waitpid(std::exchange(pid_, -1), &status, 0);
        if (status != 0 && details.empty()) {
            details = "The check itself could not be made.\n";
        }
        return status == 0;
    }

  private:
    static bool run(const Check& check, bool alone, std::string& details)
    {
        std::string why;
        if (alone && uses_fixed_port()) {
            wait_for_the_port();
        } else if (!alone && !enter_private_network(why)) {
            details = "The check has no network of its own: " + why + ".\n";
            return false;
        }
        auto* ear = new Ear; // GoogleTest owns it
        auto& listeners = testing::UnitTest::GetInstance()->listeners();
        listeners.Append(ear);
        delete listeners.Release(listeners.default_result_printer());
        testing::GTEST_FLAG(filter) = check.test;
        const bool good = RUN_ALL_TESTS() == 0 && ear->ran && !ear->skipped;
        details = ear->ran ? ear->first_failure + ear->note : "There is no test " + check.test;
        return good;
    }

    pid_t pid_ = -1;
    int result_ = -1;
};

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
                record(check, "not tried", "");
                tried_.insert(check.name); // what needs it cannot be tried either
                std::cout << colours_.faint("not tried") << "\n";
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
        std::cout << passed_.size() << " of " << checks_.size() << " checks pass.";
        std::cout << (first == checks_.end() ? "" : " Next: " + first->topic + ".") << std::endl;
        return first == checks_.end() ? 0 : 1;
    }

  private:
    static bool is_asked_for(const Check& check)
    {
        if (const std::string only = " " + variable("ONLY") + " ";
            only != "  " && only.find(" " + check.name + " ") == std::string::npos) {
            return false;
        }
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

    /// False if something that it needs was tried before, and does not hold.
    bool can_be_tried(const Check& check) const
    {
        return std::none_of(check.needs.begin(), check.needs.end(), [&](const std::string& need) {
            return tried_.contains(need) && !passed_.contains(need);
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
        std::string details;
        bool good = false;
        if (check.test == "Compiles") {
            good = compiles(variable("COMPILE"), details);
            if (good && is_marking()) {
                accept_fixed_ports();
            }
        } else {
            start_from(i);
            good = trials_.at(check.name).holds(details);
            trials_.erase(check.name);
            if (!good && check.measures_time && is_marking()) {
                trials_.clear(); // alone this time
                details.clear();
                good = Trial(check, alone_).holds(details);
            }
        }
        record(check, good ? "passed" : "failed", details);
        tried_.insert(check.name);
        if (good) {
            passed_.insert(check.name);
        }
        std::cout << (good ? colours_.good("ok") : colours_.bad("not yet")) << "\n"
                  << indented(details) << std::flush;
        return good;
    }

    /// Adds a line to the file of results: the name, what came of it, and the details, in which
    /// \n, \r and \\ stand for what would end the line, and for a backslash: programs may print
    /// anything.
    static void record(const Check& check, const std::string& result, const std::string& details)
    {
        if (variable("RESULTS").empty()) {
            return;
        }
        std::string text;
        for (const char byte : details) {
            text += byte == '\n'   ? "\\n"
                    : byte == '\r' ? "\\r"
                    : byte == '\\' ? "\\\\"
                                   : std::string(1, byte);
        }
        std::ofstream(variable("RESULTS"), std::ios::app)
            << check.name << "\t" << result << "\t" << text << std::endl;
    }

    std::vector<Check> checks_;
    std::map<std::string, Trial> trials_; ///< those that run, or have run ahead
    std::set<std::string> tried_; ///< or known not to be worth it; what needs them looks there
    std::set<std::string> passed_;
    bool alone_;
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
        const bool alone = !enter_private_network(why);
        if (argc == 2 && std::string(argv[1]) == "--can-isolate") { // scripts/mark asks
            return alone ? 1 : 0;
        }
        if (alone && uses_fixed_port()) {
            if (const std::string taken = who_has_the_port(); !taken.empty()) {
                std::cerr << taken << "\n";
                return 1;
            }
        }
        return Run(read_checks(table), alone).all();
    } catch (const std::exception& error) {
        std::cerr << "check: " << error.what() << ".\n";
        return 1;
    }
}
