// table.hpp: the tables beside checks.tsv: rows, in fields with tabs between them.
#pragma once

#include <string>
#include <vector>

namespace lab
{

/// A row of the table of the checks.
struct Check {
    std::string name{};
    std::string test{}; ///< GoogleTest's name for it
    std::string step{};
    std::vector<std::string> needs{}; ///< what cannot be tried is neither passed nor failed
    std::string sentence{};
    std::string topic{};
    bool measures_time = false; ///< a busy machine may make it fail
    int number = 0;
};

/// The table of the checks: what the environment variable CHECKS names, or the exercise's. Throws
/// std::runtime_error if it is not there, or a row is not as it should be.
std::vector<Check> read_checks();

/// The rows of another table in the same folder, without comments; none if it is not there.
std::vector<std::vector<std::string>> read_rows(const std::string& name);

} // namespace lab
