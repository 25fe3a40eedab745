#include "diagnosis.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>

namespace lab
{

Sentence diagnose_lines(const std::vector<std::string>& expected, const std::string& printed)
{
    std::vector<std::string> lines;
    std::istringstream text(printed);
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
    }
    const std::string all = std::accumulate(expected.begin(), expected.end(), std::string());
    if (printed == all || printed == all + "\n") {
        return "The lines are not apart: print ends a line with a newline, write and printf do "
               "not.";
    }
    if (lines.size() == expected.size() && lines.size() > 1 && lines[0] == expected[0] &&
        std::equal(lines.begin() + 1, lines.end(), expected.begin())) {
        return "Each line comes one too late: what is printed is still the message before. print "
               "stands before recv.";
    }
    const auto stands_in_the_first = [&](const std::string& line) {
        return contains(lines.front(), line);
    };
    if (lines.size() == 1 && expected.size() > 1 && contains(lines.front(), "[") &&
        std::all_of(expected.begin(), expected.end(), stands_in_the_first)) {
        return "All of it stands in one line, as a list: each is printed when it has come.";
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const Sentence missing = fill("The line \"{line}\" is missing.", {{"line", expected[i]}});
        if (i >= lines.size()) {
            return missing;
        }
        if (lines[i] == expected[i]) {
            continue;
        }
        if (lines[i].empty() && i > 0) {
            return fill("There is an empty line behind \"{line}\": a newline is printed twice.",
                        {{"line", expected[i - 1]}});
        }
        if (i + 1 < expected.size() && lines[i] == expected[i + 1]) {
            return missing;
        }
        if (is_object(lines[i])) {
            return fill("\"{line}\" is how the language shows an object, not the bytes in it: "
                        "decode the bytes, or make a string of them.",
                        {{"line", lines[i]}});
        }
        const bool comes_later = std::find(lines.begin() + static_cast<long>(i), lines.end(),
                                           expected[i]) != lines.end();
        if (expected[i] == "Hello, " + lines[i] + "!" && !comes_later) {
            return "The name that was sent is printed, where the answer that recv returned "
                   "belongs.";
        }
        if (lines[i].starts_with("b'") || lines[i].starts_with("b\"")) {
            return diagnose_repr(expected[i]);
        }
        if (lines[i] == expected[i] + "\r") {
            return "There is a carriage return (\\r) at the end of the line.";
        }
        const Sentence found = diagnose({{}, expected[i], lines[i], {}, {}, 1, true});
        if (found.empty() && lines[i].starts_with(expected[i])) {
            const std::string behind = lines[i].substr(expected[i].size());
            const bool is_behind_each = i + 1 < expected.size() && i + 1 < lines.size() &&
                                        lines[i + 1] == expected[i + 1] + behind;
            return fill(is_behind_each
                            ? "\"{behind}\" is printed behind each line. The line is the "
                              "notebook's, and nothing else."
                            : "Behind \"{line}\" more is printed: bytes of the buffer beyond what "
                              "recv returned, or of an earlier answer. Print as many bytes as were "
                              "received.",
                        {{"behind", behind}, {"line", expected[i]}});
        }
        if (std::find(expected.begin(), expected.begin() + static_cast<long>(i), lines[i]) !=
            expected.begin() + static_cast<long>(i)) {
            const auto times = [&](const std::string& line) {
                return std::count(lines.begin(), lines.end(), line);
            };
            if (expected.front() == "Welcome!") { // a client's
                return fill(times(expected.back()) > times(lines[i])
                                ? "The line \"{line}\" is printed more than once, and each later "
                                  "one more often: something that prints is added for each message "
                                  "(a listener), and stays."
                                : "The line \"{line}\" is printed more than once.",
                            {{"line", lines[i]}});
            }
            return fill(
                "The line \"{line}\" is printed again. Is it inside a loop? (With fork, a line "
                "that is still in the buffer comes from parent and child: flush it before.)",
                {{"line", lines[i]}});
        }
        if (i + 1 < lines.size() && lines[i].size() < expected[i].size() &&
            expected[i].starts_with(lines[i]) &&
            lines[i + 1].starts_with(expected[i].substr(lines[i].size()))) {
            return fill("\"{rest}\" is missing, and stands before the next answer: too few bytes "
                        "were received, and the rest came with the next recv. recv(1024) takes "
                        "what has arrived.",
                        {{"rest", expected[i].substr(lines[i].size())}});
        }
        if (std::find(lines.begin(), lines.end(), expected[i]) != lines.end()) {
            return fill(
                "The line \"{line}\" is printed besides; the notebook has no such line there.",
                {{"line", lines[i]}});
        }
        if (i > 0 && lines[i].ends_with(expected[i - 1] + expected[i])) {
            return "Earlier answers stand before this one: they pile up in a buffer or a string, "
                   "which has to begin empty.";
        }
        if (found.empty() && lines[i].ends_with(expected[i])) {
            return fill("\"{before}\" is printed before what belongs there. The line is the "
                        "notebook's, and nothing else.",
                        {{"before", lines[i].substr(0, lines[i].size() - expected[i].size())}});
        }
        const auto differ =
            std::mismatch(expected[i].begin(), expected[i].end(), lines[i].begin(), lines[i].end());
        return !found.empty() || differ.first == expected[i].begin()
                   ? found
                   : fill("The line differs from the notebook's after \"{beginning}\".",
                          {{"beginning", std::string(expected[i].begin(), differ.first)}});
    }
    if (lines.size() > expected.size() && lines[expected.size()].empty()) {
        return "There is an empty line at the end: exit has no answer, so that a recv behind it "
               "returns nothing, and that was printed.";
    }
    if (lines.size() > expected.size()) {
        return fill("The line \"{line}\" is printed besides; the notebook has no such line.",
                    {{"line", lines[expected.size()]}});
    }
    return printed.ends_with("\n") ? "" : "The last line has no newline.";
}

} // namespace lab
