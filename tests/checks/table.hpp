// table.hpp: the table of the checks, checks.tsv.
#pragma once

#include <string>
#include <vector>

namespace lab
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

/// Reads the table. Throws std::runtime_error if it is not there, or a row is not as it should be.
std::vector<Check> read_checks(const std::string& path);

} // namespace lab
