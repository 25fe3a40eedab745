// options_fuzz.cpp: a libFuzzer target for the values of options. make fuzz
#include "../../common.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const std::string given(reinterpret_cast<const char*>(bytes), size);
    try {
        const int port = whole_number("--option", given, 0, 65535);
        if (port < 0 || port > 65535 ||
            given.find_first_not_of("0123456789") != std::string::npos) {
            std::abort();
        }
    } catch (const UsageError&) { // a sentence, and exit 2
    }
    try {
        const double seconds = decimal_seconds("--option", given).count();
        if (!(seconds >= 0 && seconds <= 1e6)) { // not a number would not be, either
            std::abort();
        }
    } catch (const UsageError&) {
    }
    for (const char c : visible(given)) {
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
            std::abort();
        }
    }
    return 0;
}
