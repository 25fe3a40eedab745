#include "sentence.hpp"

#include <algorithm>

namespace lab
{

Sentence::Sentence(std::string text, Places places)
{
    if (!text.empty()) {
        pieces_.push_back({std::move(text), std::move(places)});
    }
}

std::string Sentence::english() const
{
    return in([](const std::string& text) { return text; });
}

std::string Sentence::in(const Translation& translation) const
{
    std::string result;
    for (const auto& [text, places] : pieces_) {
        const std::string shown = translation(text);
        for (std::size_t at = 0; at < shown.size();) {
            const std::size_t close = shown[at] == '{' ? shown.find('}', at) : std::string::npos;
            const std::string name =
                close == std::string::npos ? "" : shown.substr(at + 1, close - at - 1);
            const auto place = std::find_if(places.begin(), places.end(),
                                            [&](const auto& each) { return each.first == name; });
            const bool is_place = close != std::string::npos && place != places.end();
            result += is_place ? place->second.in(translation) : shown.substr(at, 1);
            at = is_place ? close + 1 : at + 1;
        }
    }
    return result;
}

Sentence& Sentence::operator+=(const Sentence& other)
{
    pieces_.insert(pieces_.end(), other.pieces_.begin(), other.pieces_.end());
    return *this;
}

} // namespace lab
