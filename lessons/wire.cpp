// wire.cpp: the wire made visible. The lab's own programs run, and one page shows the client's
// calls, the segments and the server's calls side by side, on one clock (tutorial, sections 1 to 3
// and 6). wire_scenes.hpp has the scenes; wire_stage.hpp is where they are played.
#ifndef __linux__
#include <cstdio>
int main()
{
    std::fputs("wire: this lesson needs Linux, whose packet sockets and namespaces it uses.\n",
               stderr);
    return 1;
}
#else
#include "../common.hpp"
#include "wire_page.hpp"
#include "wire_scenes.hpp"

struct Options {
    std::string scene = "session";
    std::string pcap;
    std::string svg;
};

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

void show(const Scene& scene, const Options& options)
{
    Stage stage(scene.hosts);
    scene.play(stage);
    stage.watch_until_quiet(Seconds(0.15)); // an acknowledgement of its own may take 40 ms

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
    std::vector<std::string> unfolded;
    for (const Frame& frame : stage.frames) {
        const Packet packet(frame);
        const bool asks = packet.kind == Packet::Kind::arp && unfolded.empty();
        const bool is_shown = scene.hosts == 2 || scene.name == std::string("layers");
        if (is_shown && (asks || is_name(packet))) {
            const bool is_whole = scene.hosts == 1 || asks;
            const auto lines = unfold(frame);
            unfolded.emplace_back(asks ? "The question:" : "The segment that carries \"Yam\":");
            unfolded.insert(unfolded.end(), lines.begin(),
                            is_whole ? lines.end() : lines.begin() + 4);
            unfolded.push_back((is_whole ? "in all " : "and the rest, in all ") +
                               std::to_string(frame.bytes.size()) + " bytes");
        }
    }

    print(scene.name, ": ", scene.shows, " (", scene.section, ")");
    print(scene.about);
    print("");
    if (scene.name == std::string("layers")) {
        pages.clear(); // it is the session's
    }
    for (const Page& page : pages) {
        print(as_text(page, screen_width()));
    }
    for (const std::string& line : unfolded) {
        print(line);
    }
    if (!pages.empty() && scene.play != udp && scene.play != udp_refused) {
        print("States in brackets follow from the segments; the others, Linux was asked for.");
    }
    print("");
    if (!options.pcap.empty()) {
        write_file(options.pcap,
                   [&](const std::string& path) { return write_pcap(path, stage.frames); });
    }
    if (!options.svg.empty()) {
        write_file(options.svg, [&](const std::string& path) {
            std::ofstream file(path);
            file << as_picture(pages, unfolded);
            file.close();
            return !file.fail();
        });
    }
}

/// Reads the options. --list and --help end the program.
Options parse(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: lessons/wire [OPTION...]
Plays a scene with the lab's programs in a network of its own, and shows the client's calls, the
segments and the server's calls side by side.

  --scene NAME  which one (session)
  --list        what there is
  --pcap FILE   also write what was caught, for Wireshark
  --svg FILE    also draw the page as a picture
  --help        print this help
)";
    constexpr option table[] = {
        {"scene", required_argument, nullptr, 's'}, {"list", no_argument, nullptr, 'l'},
        {"pcap", required_argument, nullptr, 'p'},  {"svg", required_argument, nullptr, 'v'},
        {"help", no_argument, nullptr, 'h'},        {}};
    Options options;
    for (int found = 0; (found = ::getopt_long(argc, argv, "", table, nullptr)) != -1;) {
        switch (found) {
        case 's':
            options.scene = optarg;
            break;
        case 'p':
            options.pcap = optarg;
            break;
        case 'v':
            options.svg = optarg;
            break;
        case 'l':
            for (const Scene& scene : scenes) {
                print(scene.name, std::string(13 - std::strlen(scene.name), ' '), scene.shows);
            }
            std::exit(0);
        case 'h':
            std::cout << usage;
            std::exit(0);
        default: // getopt_long has said what is wrong
            std::exit(2);
        }
    }
    if (optind < argc) {
        throw UsageError("unexpected argument '" + visible(argv[optind]) + "'; try --help");
    }
    return options;
}

int main(int argc, char* argv[])
{
    try {
        if (argc == 3 && argv[1] == std::string_view("--player")) {
            return act(argv[2]) ? 0 : 2;
        }
        const Options options = parse(argc, argv);
        const auto scene = std::find_if(scenes.begin(), scenes.end(), [&](const Scene& each) {
            return each.name == options.scene;
        });
        if (scene == scenes.end()) {
            throw UsageError("there is no scene '" + visible(options.scene) + "'; try --list");
        }
        enter_own_network();
        show(*scene, options);
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
#endif
