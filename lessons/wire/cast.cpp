#include "cast.hpp"
#include "afterword.hpp"
#include "scenes.hpp"

#include <cstring>
#include <filesystem>
#include <sstream>

namespace
{

std::filesystem::path self() { return std::filesystem::read_symlink("/proc/self/exe"); }

/// `text`, with each of these words replaced.
std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& places)
{
    for (const auto& [place, value] : places) {
        for (std::size_t at = 0; (at = text.find(place, at)) != std::string::npos;) {
            text.replace(at, place.size(), value);
            at += value.size();
        }
    }
    return text;
}

Player& start_given(Stage& stage, int side, const std::string& name, const std::string& command,
                    const std::string& delay)
{
    const std::string line =
        filled(command, {{"{port}", std::to_string(the_port)}, {"{delay}", delay}});
    return stage.start(side, name, {"/bin/sh", "-c", line}, true);
}

} // namespace

Player& start_part(Stage& stage, int side, const std::string& name, std::vector<std::string> words)
{
    words.insert(words.begin(), {self(), "--player"});
    return stage.start(side, name, words);
}

Player& start_own(Stage& stage, int side, const std::string& name, std::vector<std::string> words)
{
    const std::string program = // beside this one, which is LAB/lessons/wire/wire
        self().parent_path().parent_path().parent_path() / words[0];
    if (::access(program.c_str(), X_OK) == -1) {
        throw std::runtime_error("cannot use " + program + ": " + std::strerror(errno) +
                                 (errno == ENOENT ? ". It is not built: run make." : "."));
    }
    words[0] = program;
    return stage.start(side, name, words);
}

void Cast::must_have_come(const Stage& stage, const Player& player) const
{
    if (const std::string why = came_to_nothing(stage, player); is_asked_for && !why.empty()) {
        throw std::runtime_error(why);
    }
}

Player& Cast::start_server(Stage& stage, const std::string& delay,
                           const std::vector<std::string>& more) const
{
    std::vector<std::string> words = {"server", "--delay", delay};
    words.insert(words.end(), more.begin(), more.end());
    Player& started = !server.empty() ? start_given(stage, 1, title_of(server), server, delay)
                      : is_handout    ? start_part(stage, 1, "a server", {"server", delay})
                                      : start_own(stage, 1, "./server", words);
    if (stage.hosts() == 1) {
        stage.watch_until_listens(started);
        must_have_come(stage, started);
    } else {
        stage.watch_until_waits_in(started, "accept");
    }
    return started;
}

Player& Cast::start_client(Stage& stage, const std::vector<std::string>& names,
                           const std::string& name) const
{
    if (!client.empty()) {
        Player& started =
            start_given(stage, 0, name.empty() ? title_of(client) : name, client, "0");
        stage.watch_until("The client would have come to the server.", [&] {
            return started.has_ended || stage.has_called(started) || !stage.frames.empty();
        });
        must_have_come(stage, started);
        return started;
    }
    if (is_handout) {
        std::vector<std::string> words = {"client", "connect", "hear"};
        for (const std::string& each :
             names.empty() ? std::vector<std::string>{"Yam", "May", "Sarah"} : names) {
            words.insert(words.end(), {"send:" + each, "hear"});
        }
        words.emplace_back("send:exit");
        return start_part(stage, 0, name.empty() ? "a client" : name, words);
    }
    std::vector<std::string> words = names;
    if (stage.hosts() == 2) {
        words.insert(words.begin(), {"--host", "10.0.0.2"});
    }
    words.insert(words.begin(), "client");
    return start_own(stage, 0, name.empty() ? "./client" : name, words);
}

std::string title_of(const std::string& command)
{
    constexpr std::size_t room = 20;
    std::istringstream text(command);
    std::vector<std::string> words;
    bool is_file = false; // what follows the program's file are its arguments
    for (std::string word; !is_file && text >> word && word[0] != '-' && word[0] != '{';) {
        words.push_back(word);
        is_file = word.find_first_of("./") != std::string::npos;
    }
    const auto title = [&] {
        std::string line;
        for (const std::string& word : words) {
            line += (line.empty() ? "" : " ") + word;
        }
        return line;
    };
    if (title().size() > room) { // without the folders
        for (std::string& word : words) {
            word.erase(0, word.rfind('/') + 1);
        }
    }
    while (title().size() > room && words.size() > 1) { // what is run, and not what runs it
        words.erase(words.begin());
    }
    return title().substr(0, room);
}
