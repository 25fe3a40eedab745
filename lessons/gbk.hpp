// gbk.hpp: the tutorial's programs put GBK on the wire; the terminal shows
// UTF-8. iconv(3) translates.
#pragma once

#include "../common.hpp"

#include <iconv.h>

/// Translates as many bytes as are valid; what is left of `from` begins with
/// what is not. iconv(3)
inline std::string translate(const char* encoding, const char* to_encoding,
                             std::string_view& from)
{
    iconv_t translation = ::iconv_open(to_encoding, encoding);
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (translation == reinterpret_cast<iconv_t>(-1)) {
        throw_errno(std::string("iconv_open ") + encoding + " " + to_encoding);
    }
    std::string to(from.size() * 4, '\0');
    // iconv reads through this pointer and does not write.
    char* input = const_cast<char*>(from.data());
    char* output = to.data();
    std::size_t left = from.size();
    std::size_t room = to.size();
    ::iconv(translation, &input, &left, &output, &room);
    ::iconv_close(translation);
    to.resize(to.size() - room);
    from.remove_prefix(from.size() - left);
    return to;
}

/// GBK as UTF-8, Python's data.decode('gbk', 'replace'): what is not GBK
/// becomes U+FFFD, the replacement character.
inline std::string from_gbk(std::string_view gbk)
{
    std::string text = translate("GBK", "UTF-8", gbk);
    while (!gbk.empty()) {
        gbk.remove_prefix(1);
        text += "\xef\xbf\xbd" + translate("GBK", "UTF-8", gbk);
    }
    return text;
}

/// UTF-8 as GBK, Python's text.encode('gbk'). Throws std::runtime_error that
/// names the character without a code.
inline std::string to_gbk(std::string_view text)
{
    std::string gbk = translate("UTF-8", "GBK", text);
    if (!text.empty()) {
        std::size_t size = 1; // of the character, in bytes
        while (size < text.size() && (text[size] & 0xc0) == 0x80) {
            ++size;
        }
        throw std::runtime_error("GBK has no code for '" +
                                 visible(text.substr(0, size)) +
                                 "', so nothing was sent.");
    }
    return gbk;
}
