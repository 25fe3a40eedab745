// steps.hpp: a page row by row, each when Enter is pressed, so that a class can say what comes next
// before it is shown. termios(3)
#pragma once

#include <string>
#include <vector>

/// True if somebody can press keys: standard input and output are a terminal.
bool has_keys();

/// Prints these elements, the heading at once and each row after Enter; q ends it. The terminal is
/// as it was afterwards, also when a signal ends the program.
void print_step_by_step(const std::vector<std::string>& rows);
