// cast.hpp: who plays in a scene: the programs that were given, or the lab's own, or this one in
// another part.
#pragma once

#include "stage.hpp"

#include <string>
#include <vector>

class Cast
{
  public:
    std::string server; ///< a command, with {port} and {delay} to be filled in; empty: not given
    std::string client;
    bool is_handout = false;   ///< the lab's own programs are not here
    bool is_asked_for = false; ///< the programs were named by a person

    /// Starts the server, and watches until it is ready, or will not be. `more` are options for the
    /// lab's own.
    Player& start_server(Stage& stage, const std::string& delay,
                         const std::vector<std::string>& more = {}) const;
    /// Starts the client. `name` is what the page calls it; the names it is to send are for the
    /// lab's own, and for this program's part.
    Player& start_client(Stage& stage, const std::vector<std::string>& names = {},
                         const std::string& name = "") const;

  private:
    /// Throws std::runtime_error if a program that a person named ended before it did anything.
    void must_have_come(const Stage& stage, const Player& player) const;
};

/// Starts this program in another part. players.cpp
Player& start_part(Stage& stage, int side, const std::string& name, std::vector<std::string> words);

/// Starts one of the lab's own programs: its path from the lab's folder, and its options.
Player& start_own(Stage& stage, int side, const std::string& name, std::vector<std::string> words);

/// What the page calls a command: "python3 my_server.py", without its arguments.
std::string title_of(const std::string& command);

/// What this program does in that part, when it is started as a player of a scene, and not to show
/// one. False if there is no such part.
bool act(const std::vector<std::string>& words);
