#include "table.hpp"
#include "tests/watch/text.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace lab
{

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
        if (check.topic.empty() || points.empty() ||
            points.find_first_not_of("0123456789") != std::string::npos) {
            throw std::runtime_error(
                fill("{file}: a row has seven or eight fields with tabs between them, not: {row}",
                     {{"file", path}, {"row", row}}));
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
        throw std::runtime_error(fill("{file}: no table of the checks is there", {{"file", path}}));
    }
    return checks;
}

} // namespace lab
