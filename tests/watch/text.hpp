// text.hpp: texts as the diagnoses look at them, and what is said of them.
#pragma once

#include "sentence.hpp"

#include <string>
#include <string_view>

namespace lab
{

/// Bytes as they stand in a message: in quotes, control characters and what is not UTF-8 as \\x00,
/// long ones shortened in the middle.
std::string in_quotes(std::string_view bytes);
/// The same, with their number behind them.
Sentence quote(std::string_view bytes);

/// The first lines that a program printed, with the middle left out of long ones.
std::string shortened(const std::string& printed);

/// How many bytes the character of UTF-8 has that begins there; 0 if there is none.
std::size_t size_of_character(std::string_view text, std::size_t at);
bool contains(const std::string& text, const std::string& part);
/// A number of seconds, with two digits behind the point.
std::string digits(double seconds);
/// True if the text is not empty and has these bytes only.
bool all_of(const std::string& text, const std::string& bytes);
std::string lower(std::string text);
std::string without(std::string text, const std::string& bytes);
/// Without blanks, newlines and zero bytes at both ends.
std::string trimmed(const std::string& text);
/// With the marks, blanks and dots of a Chinese keyboard as those of an English one.
std::string without_full_width(std::string text);
/// How many characters a text in UTF-8 has.
std::size_t characters(const std::string& text);
/// Latin-1 read as characters and written as UTF-8: what becomes of UTF-8 that is decoded wrongly.
std::string encoded_twice(const std::string& text);
/// "%s", "{}", "${name}" and the like.
bool is_place_holder(const std::string& text);
/// How a language shows an object where its text was wanted.
bool is_object(const std::string& text);

} // namespace lab
