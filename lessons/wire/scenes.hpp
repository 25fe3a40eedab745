// scenes.hpp: the scenes that the wire plays, in the tutorial's order.
#pragma once

#include "cast.hpp"

constexpr int the_port = 9999; ///< the server's: nobody else is in this network

/// A packet that a scene unfolds: the first of its kind.
struct Unfolded {
    const char* title;
    bool (*is_meant)(const Packet&);
    std::size_t lines = static_cast<std::size_t>(-1); ///< of it, at the most
};

/// A scene: what is played, and what is shown of it.
struct Scene {
    const char* name;
    const char* shows; ///< what is to be seen, in a few words
    const char* about; ///< two sentences: what to look for
    const char* section;
    void (*play)(Stage&, const Cast&); ///< who starts when, and what is lost
    int hosts = 1;
    /// Which programs can be given to it; where one cannot, why.
    enum class Takes { both, server, client, none } takes = Takes::both;
    const char* why_not = "";
    bool is_about_the_server = false; ///< whatever its client is
    bool is_whole = false;            ///< the notebook's client says all that it has to say
    bool has_ladder = true;
    bool has_states = true; ///< TCP's
    std::vector<Unfolded> unfolds = {};
    /// Played afterwards, to be compared; both have a column for each client then.
    void (*beside)(Stage&, const Cast&) = nullptr;
};
extern const std::vector<Scene> scenes;
