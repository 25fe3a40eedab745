// scenes.hpp: the scenes that the wire plays, in the tutorial's order.
#pragma once

#include "stage.hpp"

constexpr int port = 9999; ///< the server's: nobody else is in this network

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
    void (*play)(Stage&); ///< who starts when, and what is lost
    int hosts = 1;
    bool has_ladder = true;
    bool has_states = true; ///< TCP's
    std::vector<Unfolded> unfolds = {};
};
extern const std::vector<Scene> scenes;

/// What this program does when it is started as a player of a scene, and not to show one. False if
/// there is no such player.
bool act(const std::string& player);
