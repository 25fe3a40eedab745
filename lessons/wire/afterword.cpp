#include "afterword.hpp"
#include "common/screen.hpp"
#include "dialogue.hpp"
#include "page.hpp"

#include <algorithm>
#include <cstdio>

namespace
{

/// The calls in which a player waits: "recv(11)".
std::vector<std::string> waits_of(const Stage& stage, const Player& player)
{
    std::map<pid_t, const WireCall*> last; // of each thread
    for (const WireCall& call : stage.calls) {
        if (call.player == player.number && call.kind != "print" && call.kind != "exit") {
            last[call.thread] = &call;
        }
    }
    std::vector<std::string> found;
    for (const auto& [thread, call] : last) {
        if (!call->has_returned) {
            const bool is_on_a_socket = call->kind == "recv" || call->kind == "accept";
            const std::string size = call->kind == "recv" ? std::to_string(call->size) : "";
            found.push_back(call->name + (is_on_a_socket ? "(" + size + ")" : ""));
        }
    }
    std::sort(found.begin(), found.end(), std::greater<>()); // recv before accept: the nearer one
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::string joined(const std::vector<std::string>& words, const char* between)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : between) + word;
    }
    return text;
}

/// "./server waits in recv(1024) and accept(), and has sent nothing since 3.20 ms."
std::string standing(const Stage& stage, const Player& player, std::int64_t sent,
                     std::int64_t start)
{
    if (player.has_ended) {
        return "";
    }
    const auto waits = waits_of(stage, player);
    char since[64] = "and has sent nothing";
    if (sent > 0) {
        std::snprintf(since, sizeof since, "and has sent nothing since %.2f ms",
                      static_cast<double>(sent - start) / 1e6);
    }
    return player.name +
           (waits.empty() ? " is at work, or waits for none of its sockets, "
                          : " waits in " + joined(waits, " and ") + ", ") +
           since + ".";
}

std::string said(const Player& player)
{
    const std::string words = player.last_words();
    return words.empty() ? "." : "; it said: " + visible(words) + (words.back() == '.' ? "" : ".");
}

/// Where a server listens, if not where it was to.
std::string elsewhere(const Player& server)
{
    std::string places;
    for (const lab::ListedSocket& socket : lab::sockets_of(server.has_ended ? 0 : server.pid())) {
        if (socket.state == "LISTEN") {
            if (socket.port == the_port) {
                return "";
            }
            places += (places.empty() ? "" : " and ") + socket.address + ":" +
                      std::to_string(socket.port);
        }
    }
    return places.empty() ? "" : server.name + " listens at " + places + ", and not at port 9999.";
}

/// True if some server listens.
bool listens(const Stage& stage)
{
    return std::any_of(stage.players.begin(), stage.players.end(), [](const Player& player) {
        return player.side == 1 && !player.has_ended &&
               has_listening(lab::sockets_of(player.pid()));
    });
}

/// True if a player's calls are hidden: something of it has passed on the wire.
bool is_unseen(const Stage& stage, const Player& player)
{
    const std::uint32_t theirs = server_port(stage.frames);
    return player.is_given && !stage.has_called(player) &&
           stage.has_seen([&](const Packet& packet) {
               return player.side == 0 ? packet.to == theirs && packet.has('S')
                                       : packet.from == theirs && packet.has('S');
           });
}

} // namespace

std::string came_to_nothing(const Stage& stage, const Player& player)
{
    return player.is_given && player.has_ended && !player.was_stopped &&
                   !stage.has_called(player) && !is_unseen(stage, player)
               ? player.name + " " + player.fate() + ", and made no call on a socket" + said(player)
               : "";
}

std::vector<std::string> afterword(const Stage& stage, const Scene& scene,
                                   const std::optional<Ending>& ending, std::int64_t start)
{
    std::vector<std::string> lines;
    const auto add = [&](const std::string& line) {
        if (!line.empty()) {
            lines.push_back(line);
        }
    };
    const std::uint32_t asked = server_port(stage.frames);
    const Dialogue dialogue(stage.frames, asked);
    const std::string difference = scene.has_states ? dialogue.difference() : "";
    std::string next;
    if (asked != the_port && !dialogue.was_answered()) {
        next = "the client would have come to port 9999; it came to " + std::to_string(asked) + ".";
    } else if (!dialogue.was_begun() && !listens(stage)) {
        next = scene.takes == Scene::Takes::both
                   ? "the server would have listened at 127.0.0.1:9999."
                   : "";
    } else if (scene.has_states && scene.takes != Scene::Takes::client) {
        next = dialogue.next(scene.is_whole);
    }
    const bool is_over = ending ? !ending->is_silence : next.empty();
    if (ending) {
        add(ending->why);
    }
    for (const Player& player : stage.players) {
        const bool is_usual = player.side == 0 && player.program->status(Seconds(0)) == 0;
        if (const std::string nothing = came_to_nothing(stage, player); !nothing.empty()) {
            add(nothing);
        } else if (player.is_given && player.has_ended && !player.was_stopped && !is_usual) {
            add(player.name + " " + player.fate() + said(player));
        }
        if (player.side == 1 && player.is_given) {
            add(elsewhere(player));
        }
    }
    add(difference);
    if (is_over) {
        return lines;
    }
    for (const int side : {0, 1}) {
        for (const Player& player : stage.players) {
            if (player.side == side) {
                add(standing(stage, player, dialogue.last_sent(side), start));
            }
        }
    }
    add(!next.empty() ? "Next, " + next : !ending->next.empty() ? "Next: " + ending->next : "");
    return lines;
}
