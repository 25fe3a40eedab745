// texts.hpp: what the programs say to each other, and what the server prints.
#pragma once

#include <map>
#include <string>

namespace lab
{

/// What is expected of the programs that are judged: the notebook's texts, and whatever an earlier
/// check has found in their place: a mistake is told once, and the checks behind it expect what it
/// makes. By name: "welcome", and "greeting before", "greeting after".
using Texts = std::map<std::string, std::string>;
Texts& texts();
/// True if nothing else was found.
bool are_the_notebooks();
/// True if an earlier check has found this of the programs: "one at a time".
bool is_found(const std::string& what);

std::string welcome_text();
std::string greeting_of(const std::string& name);
/// What the client sends for a name.
std::string message_of(const std::string& name);
/// The lines that are printed about a client.
std::string accepted(const std::string& address);
std::string closed(const std::string& address);

} // namespace lab
