#include "finding.hpp"
#include "tests/watch/text.hpp"
#include "tests/watch/texts.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

namespace lab
{
namespace
{

/// The line that a program prints again and again, much more often than any that serves a few
/// clients; empty if it does not.
Sentence printed_without_end(const Program& program)
{
    constexpr std::size_t last = 4000; // bytes, in which there is a whole line
    const std::string out = program.out();
    const std::string err = program.err();
    const std::string& printed = out.size() > err.size() ? out : err;
    if (program.prints_without_end() && printed.size() > last) {
        std::istringstream lines(printed.substr(printed.size() - last));
        std::string line;
        std::getline(lines, line); // the rest of one
        std::getline(lines, line);
        return quote(line.substr(0, 200));
    }
    return "";
}

/// The command as a person types it, with the notebook's port and pause.
std::string typed(const std::string& variable_name, const std::string& otherwise)
{
    const std::string command = is_marking() ? "" : variable(variable_name.c_str());
    std::string line = fill(command, {{"port", "9999"}, {"delay", "1"}}).english();
    for (const std::string default_value : {" --port 9999", " --delay 1"}) { // the exercise's own
        if (const std::size_t at = line.find(default_value); at != std::string::npos) {
            line.erase(at, default_value.size());
        }
    }
    return command.empty() ? otherwise : line;
}

/// The make wire that shows what was found, as a person types it; empty if the wire does not.
std::string on_the_wire(const std::string& who, const Finding& finding)
{
    const std::vector<std::string> said = {"\"Yam\"", "\"May\"", "\"Sarah\"", "\"exit\"",
                                           "nothing"};
    const bool is_said = finding.sent.empty() || // in a session
                         std::any_of(said.begin(), said.end(), [&](const std::string& text) {
                             return contains(finding.sent.english(), text);
                         });
    const bool is_talk = who == "client" || (contains(finding.by_hand.english(), "nc ") && is_said);
    const std::string scene = finding.scene.empty() && is_talk ? "session" : finding.scene;
    const std::string side = who == "client" ? "CLIENT" : "SERVER";
    const std::string command = is_marking() ? "" : variable(side.c_str());
    const bool is_usual = command.empty() || command.starts_with("./" + who + " --port {port}");
    if (scene.empty() || contains(command, "'")) {
        return "";
    }
    return "make wire SCENE=" + scene + (is_usual ? "" : " " + side + "='" + command + "'");
}

/// The last calls before a departure, and what came then, each with its place in the source. A hint
/// that does not hold for what its thread does now is taken away.
Report what_was_called(Program& program, Departure& departure)
{
    Report report;
    constexpr std::size_t most = 4; // calls: the last ones tell how it came to it
    const auto& calls = departure.before;
    for (std::size_t i = calls.size() - std::min(most, calls.size()); i < calls.size(); ++i) {
        report.push_back({"it called", written(calls[i]), program.place_of(calls[i])});
    }
    auto places = departure.places;
    Part then{"then", departure.then};
    if (departure.call) {
        places.emplace_back("call", written(*departure.call));
        then = {"then", fill(departure.then, places), program.place_of(*departure.call)};
    } else if (departure.thread != 0) {
        const Sentence occupation =
            program.occupation_of(departure.process, departure.thread, then.place);
        then.text = fill("{what}; its thread {occupation}",
                         {{"what", departure.then}, {"occupation", occupation}});
        departure.hint = occupation == "has ended" ? departure.hint : "";
    }
    report.push_back(then);
    return report;
}

/// What makes it so: the calls say it, or how the program ended, or the bytes.
Sentence diagnosis_of(Program& program, const Finding& finding,
                      const std::optional<Departure>& departure)
{
    Sentence diagnosis = departure && !departure->hint.empty()
                             ? fill(departure->hint, departure->places)
                             : finding.diagnosis;
    if (program.has_ended() && (!departure || diagnosis.empty())) {
        const Sentence end = diagnose_end(program, true);
        const bool is_more = !end.empty() && !(end == came_to_its_end(program));
        diagnosis = diagnosis.empty() || is_more ? end : diagnosis;
    }
    if (const Sentence line = printed_without_end(program); !line.empty()) {
        diagnosis = fill(diagnosis.empty()
                             ? "It prints without end: {line}. The loop in which that stands goes "
                               "round and round. It has to wait in each round, in recv or accept, "
                               "and to end when they fail or return nothing."
                             : "{diagnosis} And it prints without end: {line}.",
                         {{"line", line}, {"diagnosis", diagnosis}});
    }
    return !diagnosis.empty() || !is_damaged(program)
               ? diagnosis
               : "More bytes were written than there was room for, and what stood behind them was "
                 "damaged: a buffer is too small, or malloc was given the size of a pointer.";
}

} // namespace

testing::AssertionResult not_yet(Program& program, const std::string& who, const Finding& finding,
                                 std::optional<Departure> departure)
{
    const Report calls = departure ? what_was_called(program, *departure) : Report();
    const bool is_dying = !diagnose_said(program.err()).empty();
    eventually([&] { return program.has_ended(); }, is_dying ? times::a_while : times::delayed);
    Sentence by_hand = finding.by_hand;
    if (!by_hand.empty() && who == "server") {
        by_hand = fill("{server}\nand in the second terminal:\n{client}",
                       {{"server", typed("SERVER", "./server")}, {"client", by_hand}});
    }
    Report report = {{"the " + who, program.fate()},
                     {"it said", program.last_words()},
                     {"sent", finding.sent},
                     {"expected", finding.expected},
                     {"received", finding.received}};
    report.insert(report.end(), calls.begin(), calls.end());
    const Report rest = {{"diagnosis", diagnosis_of(program, finding, departure)},
                         {"look at", departure ? departure->due : finding.look_at},
                         {"by hand", by_hand},
                         {"the wire", on_the_wire(who, finding)}};
    report.insert(report.end(), rest.begin(), rest.end());
    std::erase_if(report, [](const Part& part) { return part.text.empty(); });
    return failure(report);
}

void carry(const std::string& what, const std::string& text)
{
    texts()[what] = text;
    testing::Test::RecordProperty("carried " + what, text);
}

void carry(const std::string& what, const std::string& one, const std::string& inside_one,
           const std::string& other, const std::string& inside_other)
{
    const std::size_t at = one.find(inside_one);
    if (at == std::string::npos || one.find(inside_one, at + 1) != std::string::npos) {
        return; // not there, or twice
    }
    const std::string before = one.substr(0, at);
    const std::string after = one.substr(at + inside_one.size());
    if (other == before + inside_other + after) {
        carry(what + " before", before);
        carry(what + " after", after);
    }
}

} // namespace lab
