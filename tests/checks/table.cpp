#include "table.hpp"
#include "tests/watch/program.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace lab
{
namespace
{

std::string path_of_checks()
{
    return variable("CHECKS").empty() ? "lessons/exercise/checks.tsv" : variable("CHECKS");
}

std::vector<std::vector<std::string>> rows_of(const std::string& path)
{
    std::vector<std::vector<std::string>> rows;
    std::ifstream file(path);
    for (std::string row; std::getline(file, row);) {
        if (row.empty() || row[0] == '#') {
            continue;
        }
        std::istringstream fields(row);
        rows.emplace_back();
        for (std::string field; std::getline(fields, field, '\t');) {
            rows.back().push_back(field);
        }
    }
    return rows;
}

} // namespace

std::vector<std::vector<std::string>> read_rows(const std::string& name)
{
    const std::string checks = path_of_checks();
    return rows_of(checks.substr(0, checks.rfind('/') + 1) + name);
}

std::vector<Check> read_checks()
{
    std::vector<Check> checks;
    for (const auto& row : rows_of(path_of_checks())) {
        const bool has_points = row.size() > 3 && !row[3].empty() &&
                                row[3].find_first_not_of("0123456789") == std::string::npos;
        if (!has_points || row.size() < 7) {
            throw std::runtime_error(path_of_checks() +
                                     ": a row has seven or eight fields with "
                                     "tabs between them, not: " +
                                     row[0]);
        }
        Check check{row[0], row[1], row[2], {}, row[5], row[6]};
        check.measures_time = row.size() > 7 && row[7] == "time";
        check.number = static_cast<int>(checks.size()) + 1;
        std::istringstream list(row[4]);
        for (std::string need; list >> need;) {
            if (need != "-") {
                check.needs.push_back(need);
            }
        }
        checks.push_back(check);
    }
    if (checks.empty()) {
        throw std::runtime_error(path_of_checks() + ": no table of the checks is there");
    }
    return checks;
}

} // namespace lab
