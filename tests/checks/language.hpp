// language.hpp: what the checks say, in the language of the reader. The code has its sentences in
// English; zh.tsv, beside the table of the checks, has each with its Chinese. What passes over the
// wire and what programs print stays as it is.
#pragma once

#include "tests/watch/sentence.hpp"

#include <string>
#include <vector>

namespace lab
{

/// True if LANGUAGE, LC_ALL, LC_MESSAGES or LANG, the first of them that is set, asks for Chinese.
bool is_chinese();

/// Makes the programs that are judged speak English, whatever this program speaks: some diagnoses
/// read what they say. Their encoding stays. setlocale(3)
void make_programs_speak_english();

/// A sentence in the reader's language; in English, as far as the table does not have it.
std::string shown(const Sentence& sentence);

/// How many columns of a screen a text in UTF-8 takes. wcwidth(3)
std::size_t columns(const std::string& text);
/// A text filled up with blanks to so many columns.
std::string padded(const std::string& text, std::size_t width);
/// Lines of at most so many columns: cut at a blank, or between two Chinese characters, but not
/// before a mark that ends something, nor after one that begins it. What has no such place is
/// longer.
std::vector<std::string> cut(const std::string& line, std::size_t width);

} // namespace lab
