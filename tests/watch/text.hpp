// text.hpp: texts as the diagnoses look at them, and sentences whose places are filled in.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lab
{

/// A text with its {places} filled in: fill("{count} bytes came.", {{"count", "8"}}). What is
/// filled in is not looked at again, and a place that nobody names stays as it is.
std::string fill(std::string_view text, const std::map<std::string_view, std::string>& places);

/// Bytes as they stand in a message: in quotes, control characters and what is not UTF-8 as \\x00,
/// long ones shortened in the middle, with their number.
std::string quote(std::string_view bytes);

/// The first lines that a program printed, with the middle left out of long ones.
std::string shortened(const std::string& printed);

bool contains(const std::string& text, const std::string& part);
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
