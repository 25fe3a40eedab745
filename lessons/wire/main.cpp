// main.cpp: the wire made visible. The lab's own programs run, and one page shows the client's
// calls, the segments and the server's calls side by side, on one clock (tutorial, sections 1 to 3
// and 6). scenes.cpp has the scenes; stage.hpp is where they are played.
#include "common.hpp"
#include "language.hpp"
#include "show.hpp"
#include "steps.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include <sys/ioctl.h>

/// Who plays, by the command line. Throws UsageError where a program has no place in the scene.
Cast cast_of(const Scene& scene, const CommandLine& given)
{
    Cast cast{given.text("server", ""), given.text("client", ""), given.has("handout"),
              given.has("server") || given.has("client")};
    const bool none_given = cast.server.empty() && cast.client.empty();
    using Takes = Scene::Takes;
    const bool takes_server = scene.takes == Takes::both || scene.takes == Takes::server;
    const bool takes_client = scene.takes == Takes::both || scene.takes == Takes::client;
    if ((!cast.server.empty() && !takes_server) || (!cast.client.empty() && !takes_client) ||
        (cast.is_handout && none_given && scene.takes == Takes::none)) {
        throw UsageError("the scene '" + std::string(scene.name) +
                         "' cannot be played with this program: " + scene.why_not);
    }
    if (cast.is_handout && none_given) {
        cast.server = "./server --port {port} --delay {delay}";
        cast.client = scene.is_about_the_server ? "" : "./client --port {port}";
    }
    return cast;
}

int main(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: lessons/wire/wire [OPTION...]
Plays a scene with the lab's programs in a network of its own, and shows the client's calls, the
segments and the server's calls side by side.

  --scene NAME      which one (session)
  --list            what there is
  --server COMMAND  play it with this server, in which {port} and {delay} are
                    filled in; without {port}, it is to use port 9999
  --client COMMAND  play it with this client
  --step            show each row when Enter is pressed; q ends
  --pcap FILE       also write what was caught, for Wireshark
  --svg FILE        also draw the page as a picture
  --handout         the lab's own programs are not here, but a student's
                    ./server and ./client
  --help            print this help
)";
    try {
        if (argc > 2 && argv[1] == std::string_view("--player")) {
            return act({argv + 2, argv + argc}) ? 0 : 2;
        }
        const CommandLine given(argc, argv, usage, {"scene", "server", "client", "pcap", "svg"},
                                {"list", "step", "handout"});
        given.operands(0);
        if (given.has("list")) {
            for (const Scene& scene : scenes) {
                if (!given.has("handout") || scene.takes != Scene::Takes::none) {
                    print(scene.name, std::string(13 - std::strlen(scene.name), ' '),
                          in_language(scene.shows));
                }
            }
            return 0;
        }
        if (given.has("step") && !has_keys()) {
            throw UsageError("--step needs a terminal: it waits for Enter before each row");
        }
        const std::string name = given.text("scene", "session");
        const auto scene = std::find_if(scenes.begin(), scenes.end(),
                                        [&](const Scene& each) { return each.name == name; });
        if (scene == scenes.end()) {
            std::string names;
            for (const Scene& each : scenes) {
                names += (names.empty() ? "" : ", ") + std::string(each.name);
            }
            throw UsageError("there is no scene '" + visible(name) + "'; there are " + names);
        }
        const Cast cast = cast_of(*scene, given);
        enter_own_network();
        lab::Program::are_watched = lab::variable("UNWATCHED").empty() && lab::Trace::is_possible();
        lab::Trace::looks_at_sockets = true;
        lab::most_printed = Player::too_loud;
        lab::end_programs_on_signals();
        show(*scene, cast, given);
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
