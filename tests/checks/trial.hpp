// trial.hpp: one check, made in a process and a network of its own.
#pragma once

#include "report.hpp"
#include "table.hpp"
#include "tests/watch/texts.hpp"

#include <string>

#include <sys/types.h>

namespace lab
{

/// What came of a check: whether it holds, and what there is to say of it.
struct Outcome {
    bool holds = false;
    std::string shown{};                  ///< in the reader's language
    std::string parts{in_json(Report())}; ///< the same as a list in JSON, in English
    Texts carried{};                      ///< what the checks behind it are to expect
};

/// A check that is made in a process of its own. What it found is read from a pipe.
class Trial
{
  public:
    /// Starts it. `alone`: in everyone's network, because there is no other.
    Trial(const Check& check, bool alone);
    ~Trial();
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    /// Waits for what came of it.
    Outcome outcome();

  private:
    pid_t pid_ = -1;
    int result_ = -1;
};

} // namespace lab
