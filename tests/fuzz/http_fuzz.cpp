// http_fuzz.cpp: a libFuzzer target for what lessons/http_get makes of a web server's answer. make
// fuzz
#include "../../lessons/http_page.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const std::string data(reinterpret_cast<const char*>(bytes), size);
    try {
        const Page page = split(data, "server");
        std::size_t saved = 0;
        for (const std::string_view piece : page.pieces) { // each is a part of what came, in order
            if (piece.data() < data.data() ||
                piece.data() + piece.size() > data.data() + data.size()) {
                std::abort();
            }
            saved += piece.size();
        }
        if (saved > data.size()) {
            std::abort();
        }
        for (const char c : printable(page.header)) {
            if (c != '\n' && static_cast<unsigned char>(c) < ' ') {
                std::abort(); // a control character would have reached the terminal
            }
        }
    } catch (const std::runtime_error&) { // a sentence, and exit 1
    }
    return 0;
}
