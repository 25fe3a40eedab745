// main.cpp: the wire made visible. The lab's own programs run, and one page shows the client's
// calls, the segments and the server's calls side by side, on one clock (tutorial, sections 1 to 3
// and 6). scenes.cpp has the scenes; stage.hpp is where they are played.
#include "../../common.hpp"
#include "page.hpp"
#include "scenes.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>

#include <sys/ioctl.h>

std::size_t screen_width()
{
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

/// Writes a whole file or none: under another name first. rename(2)
void write_file(const std::string& path, const std::function<bool(const std::string&)>& write)
{
    const std::string part = path + ".part";
    errno = 0;
    if (!write(part) || std::rename(part.c_str(), path.c_str()) == -1) {
        const int error = errno;
        std::remove(part.c_str());
        errno = error;
        throw_errno("write " + path);
    }
}

/// A page for each client.
std::vector<Page> pages_of(const Stage& stage)
{
    std::vector<Page> pages;
    std::string right = "no server";
    for (const Player& player : stage.players) {
        right = player.side == 1 ? player.name : right;
    }
    for (const Player& player : stage.players) {
        if (player.side == 0) {
            const Ladder ladder(stage, player, port);
            const auto first = std::find_if(ladder.rows().begin(), ladder.rows().end(),
                                            [](const Row& row) { return row.side == 0; });
            pages.push_back({player.name, right, ladder.rows(),
                             pages.empty() ? first->time : pages.front().start});
        }
    }
    return pages;
}

/// The packets that a scene unfolds, layer by layer.
std::vector<std::string> unfold(const std::vector<Frame>& frames,
                                const std::vector<Unfolded>& unfolds)
{
    std::vector<std::string> lines;
    for (const Unfolded& each : unfolds) {
        const auto frame = std::find_if(frames.begin(), frames.end(), [&](const Frame& one) {
            return each.is_meant(Packet(one));
        });
        if (frame == frames.end()) {
            continue;
        }
        auto layers = unfold(*frame);
        const bool is_whole = layers.size() <= each.lines;
        layers.resize(std::min(layers.size(), each.lines));
        lines.emplace_back(each.title);
        lines.insert(lines.end(), layers.begin(), layers.end());
        lines.push_back((is_whole ? "in all " : "and the rest, in all ") +
                        std::to_string(frame->bytes.size()) + " bytes");
    }
    return lines;
}

void show(const Scene& scene, const std::string& pcap, const std::string& svg)
{
    Stage stage(scene.hosts);
    scene.play(stage);
    stage.watch_until_quiet(Seconds(0.15)); // an acknowledgement of its own may take 40 ms
    const std::vector<Page> pages = scene.has_ladder ? pages_of(stage) : std::vector<Page>();
    const std::vector<std::string> unfolded = unfold(stage.frames, scene.unfolds);

    print(scene.name, ": ", scene.shows, " (", scene.section, ")");
    print(scene.about);
    print("");
    for (const Page& page : pages) {
        print(as_text(page, screen_width()));
    }
    for (const std::string& line : unfolded) {
        print(line);
    }
    if (scene.has_ladder && scene.has_states) {
        print("States in brackets follow from the segments; the others, Linux was asked for.");
    }
    print("");
    if (!pcap.empty()) {
        write_file(pcap, [&](const std::string& path) { return write_pcap(path, stage.frames); });
    }
    if (!svg.empty()) {
        write_file(svg, [&](const std::string& path) {
            std::ofstream file(path);
            file << as_picture(pages, unfolded);
            file.close();
            return !file.fail();
        });
    }
}

int main(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: lessons/wire/wire [OPTION...]
Plays a scene with the lab's programs in a network of its own, and shows the client's calls, the
segments and the server's calls side by side.

  --scene NAME  which one (session)
  --list        what there is
  --pcap FILE   also write what was caught, for Wireshark
  --svg FILE    also draw the page as a picture
  --help        print this help
)";
    try {
        if (argc == 3 && argv[1] == std::string_view("--player")) {
            return act(argv[2]) ? 0 : 2;
        }
        const CommandLine given(argc, argv, usage, {"scene", "pcap", "svg"}, {"list"});
        given.operands(0);
        if (given.has("list")) {
            for (const Scene& scene : scenes) {
                print(scene.name, std::string(13 - std::strlen(scene.name), ' '), scene.shows);
            }
            return 0;
        }
        const std::string name = given.text("scene", "session");
        const auto scene = std::find_if(scenes.begin(), scenes.end(),
                                        [&](const Scene& each) { return each.name == name; });
        if (scene == scenes.end()) {
            throw UsageError("there is no scene '" + visible(name) + "'; try --list");
        }
        enter_own_network();
        show(*scene, given.text("pcap", ""), given.text("svg", ""));
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
