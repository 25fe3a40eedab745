#include "explained.hpp"
#include "finding.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <csignal>
#include <vector>

namespace lab
{
bool called(const Program& program, const std::string& kind)
{
    const auto calls = program.calls();
    return std::any_of(calls.begin(), calls.end(),
                       [&](const Call& call) { return call.kind == kind; });
}

Sentence came_to_its_end(Program& program)
{
    const std::string out = program.out();
    return called(program, "accept") && !contains(out, "Accept new")
               ? "The server listened, waited for clients in accept, and came to its end all the "
                 "same."
           : called(program, "thread") && !contains(out, "Accept new")
               ? "The server listened, started a thread, and came to its end, which is the end of "
                 "all its threads."
           : contains(out, "Accept new")
               ? "The server listened, served a client, and then came to its end: the loop of step "
                 "4, around accept, never ends."
               : "The server listened, and then came to its end, as nothing in it waits for a "
                 "client. Step 4 is next: accept, in a loop that never ends.";
}

bool is_damaged(Program& program)
{
    const std::string said = program.err();
    return program.killed_by() == SIGABRT && !contains(said, "double free") &&
           (contains(said, "corrupt") || contains(said, "free()") || contains(said, "malloc") ||
            contains(said, "stack smashing"));
}

Sentence diagnose_said(const std::string& said) { return explained("said", said); }

Sentence diagnose_end(Program& program, bool connected)
{
    if (!program.has_ended()) {
        return "";
    }
    if (program.killed_by() == SIGPIPE) {
        return connected
                   ? "A send on a connection that is gone raises SIGPIPE, which ends the whole "
                     "program: it was sent on the wrong socket, or to a client that had left. "
                     "MSG_NOSIGNAL, or ignoring SIGPIPE, makes it an error of that send."
                   : "";
    }
    const std::string said = program.err();
    const int status = program.status(Seconds(0));
    if (const Sentence known = diagnose_said(said); !known.empty() && status != 0) {
        return known;
    }
    const bool is_error = contains(said, "rror") || contains(said, "xception") ||
                          contains(said, "terminate") || contains(said, "Traceback");
    if ((status == 0 || (status == 1 && !is_error)) &&
        program.out().find("Waiting for connection...") != std::string::npos) {
        return came_to_its_end(program);
    }
    if (program.killed_by() == SIGABRT && said.find("terminate called") != std::string::npos) {
        return "An exception was thrown that nothing catches, and that ends the whole program: "
               "catch it in the thread where it is thrown.";
    }
    return "";
}

} // namespace lab
