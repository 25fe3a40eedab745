// language.hpp: a scene's title and sentences, the legend and what stands below a page, in the
// language of the reader. Rows stay as they are: they are calls, segments and states.
#pragma once

#include <string>

/// True if LANGUAGE, LC_ALL, LC_MESSAGES or LANG, the first of them that is set, asks for Chinese.
bool is_chinese();

/// A text in Chinese, if that is asked for and there is a translation.
std::string in_language(const std::string& english);
