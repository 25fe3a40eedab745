// sentence.hpp: what is said, apart from the language in which it is shown.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace lab
{

/// Sentences, one behind the other, whose {places} are not filled in before they are shown: so they
/// can be looked up in a table of translations, and what fills the places, too. A text that is in
/// no table, such as a student's own, is a sentence of which nothing is translated.
class Sentence
{
  public:
    using Places = std::vector<std::pair<std::string, Sentence>>;
    /// What a sentence, or a text, with its {places}, is in another language.
    using Translation = std::function<std::string(const std::string&)>;

    Sentence() = default;
    Sentence(const char* text) : Sentence(std::string(text)) {}
    Sentence(std::string text, Places places = {});

    bool empty() const { return pieces_.empty(); }
    /// A place that nobody names stays as it is.
    std::string english() const;
    std::string in(const Translation& translation) const;
    /// Puts another one behind it.
    Sentence& operator+=(const Sentence& other);
    friend bool operator==(const Sentence& one, const Sentence& other)
    {
        return one.english() == other.english();
    }
    /// In English, for who reads a test.
    friend std::ostream& operator<<(std::ostream& out, const Sentence& sentence)
    {
        return out << sentence.english();
    }

  private:
    struct Piece {
        std::string text;
        Places places;
    };
    std::vector<Piece> pieces_;
};

/// A sentence with places: fill("{count} bytes came.", {{"count", "8"}}).
inline Sentence fill(std::string text, Sentence::Places places)
{
    return {std::move(text), std::move(places)};
}

} // namespace lab
