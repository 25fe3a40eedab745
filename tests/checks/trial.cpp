#include "trial.hpp"
#include "ports.hpp"
#include "tests/watch/network.hpp"
#include "tests/watch/program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lab
{
namespace
{

/// Hears what GoogleTest reports of the test that runs, and says nothing itself.
class Ear : public testing::EmptyTestEventListener
{
  public:
    std::string first_failure;
    Report notes; ///< on what is not wrong, but not the notebook's either
    Texts carried;
    bool skipped = false;
    bool ran = false;

    void OnTestEnd(const testing::TestInfo& test) override
    {
        const std::string sign = "carried ";
        for (int i = 0; i < test.result()->test_property_count(); ++i) {
            const testing::TestProperty& property = test.result()->GetTestProperty(i);
            if (const std::string key = property.key(); key.starts_with(sign)) {
                carried[key.substr(sign.size())] = property.value();
            } else {
                notes.push_back({"note", property.value()});
            }
        }
    }
    void OnTestStart(const testing::TestInfo& /*test*/) override { ran = true; }
    void OnTestPartResult(const testing::TestPartResult& result) override
    {
        skipped = skipped || result.skipped();
        if (result.failed() && first_failure.empty()) {
            first_failure = result.message();
        }
    }
};

/// A text with its size before it, for a pipe.
std::string packed(const std::string& text) { return std::to_string(text.size()) + "\n" + text; }

/// The first of those that were packed, which is taken away.
std::string unpacked(std::string& all)
{
    const std::size_t begin = std::min(all.find('\n') + 1, all.size());
    const std::string text = all.substr(begin, std::stoul("0" + all));
    all.erase(0, begin + text.size());
    return text;
}

/// Makes the check, in this process. What there is to say of it, in `report`; what the checks
/// behind it are to expect, in `carried`.
bool run(const Check& check, bool alone, Report& report, Texts& carried)
{
    std::string why;
    if (alone && uses_fixed_port()) {
        wait_for_the_port();
    } else if (!alone && !enter_private_network(why)) {
        report = {{"", fill("The check has no network of its own: {reason}.", {{"reason", why}})}};
        return false;
    }
    auto* ear = new Ear; // GoogleTest owns it
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    listeners.Append(ear);
    delete listeners.Release(listeners.default_result_printer());
    testing::GTEST_FLAG(filter) = check.test;
    const bool good = RUN_ALL_TESTS() == 0 && ear->ran && !ear->skipped;
    if (!ear->ran) {
        report = {{"", "There is no test " + check.test}};
    } else if (!ear->first_failure.empty()) {
        report = reports_in(ear->first_failure);
    }
    report.insert(report.end(), ear->notes.begin(), ear->notes.end());
    carried = ear->carried;
    return good;
}

} // namespace

Trial::Trial(const Check& check, bool alone)
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) == -1 || (pid_ = fork()) == -1) {
        throw std::system_error(errno, std::generic_category(), "a check could not be started");
    }
    result_ = ends[0];
    if (pid_ == 0) {
        end_programs_on_signals();
        prctl(PR_SET_PDEATHSIG, SIGTERM); // Ctrl-C may have ended the one that waits for this
        Report report;
        Texts carried;
        const bool good = run(check, alone, report, carried);
        std::string said = packed(laid_out(report)) + packed(in_json(report));
        for (const auto& [what, text] : carried) {
            said += packed(what) + packed(text);
        }
        const bool written =
            write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
        _exit(written && good ? 0 : 1);
    }
    close(ends[1]);
}

Trial::~Trial()
{
    if (pid_ != -1) { // nobody needs to know any more
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
    close(result_);
}

Outcome Trial::outcome()
{
    std::string said;
    std::array<char, 4096> buffer;
    for (ssize_t n; (n = read(result_, buffer.data(), buffer.size())) > 0;) {
        said.append(buffer.data(), static_cast<std::size_t>(n));
    }
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    Outcome outcome;
    outcome.holds = status == 0;
    if (!said.empty()) {
        outcome.shown = unpacked(said);
        outcome.parts = unpacked(said);
        while (!said.empty()) {
            const std::string what = unpacked(said);
            outcome.carried[what] = unpacked(said);
        }
    }
    if (!outcome.holds && outcome.shown.empty()) {
        const Report report = {{"", "The check itself could not be made."}};
        outcome.shown = laid_out(report);
        outcome.parts = in_json(report);
    }
    return outcome;
}

} // namespace lab
