#include "show.hpp"
#include "afterword.hpp"
#include "columns.hpp"
#include "common.hpp"
#include "language.hpp"
#include "steps.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <utility>

#include <sys/ioctl.h>

namespace
{

std::size_t screen_width()
{
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

/// Where a text with Chinese in it has to be cut, for lines of so many columns: between two of its
/// characters, of which each takes two columns, but not before a mark. Its size, if it need not be.
std::size_t too_long(const std::string& text, std::size_t width)
{
    std::size_t columns = 0;
    std::size_t best = text.size();
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at]);
        const std::size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        columns += size == 3 ? 2 : 1;
        if (columns > width) {
            return best;
        }
        at += size;
        const std::string next = text.substr(at, 3);
        if (size == 3 && next != "，" && next != "。" && next != "；" && next != "：" &&
            next != "）") {
            best = at;
        }
    }
    return text.size();
}

/// A sentence in lines of the page's width; a line of a table as it is.
std::vector<std::string> folded(std::string text)
{
    const std::size_t width = std::clamp<std::size_t>(screen_width(), 80, 100);
    std::vector<std::string> lines;
    for (std::size_t end = 0; is_chinese() && (end = too_long(text, width)) < text.size();) {
        lines.push_back(text.substr(0, end));
        text.erase(0, end);
    }
    while (text.size() > width && text.find("   ") == std::string::npos) {
        const std::size_t end = text.rfind(' ', width);
        if (end == std::string::npos || end == 0) {
            break;
        }
        lines.push_back(text.substr(0, end));
        text.erase(0, end + 1);
    }
    lines.push_back(text);
    return lines;
}

/// Writes a whole file or none: under another name first, and Ctrl-C waits meanwhile. rename(2)
void write_file(const std::string& path, const std::function<bool(const std::string&)>& write)
{
    const std::string part = path + ".part";
    sigset_t ends{};
    sigset_t before{};
    ::sigemptyset(&ends);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        ::sigaddset(&ends, number);
    }
    ::sigprocmask(SIG_BLOCK, &ends, &before);
    errno = 0;
    if (!write(part) || std::rename(part.c_str(), path.c_str()) == -1) {
        const int error = errno;
        std::remove(part.c_str());
        errno = error;
        throw_errno("write " + path);
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

/// A page for each client.
std::vector<Page> pages_of(const Stage& stage)
{
    std::vector<Page> pages;
    const Player nobody{-1, 0, "no client"};
    std::vector<const Player*> clients;
    std::string right = "no server";
    for (const Player& player : stage.players) {
        if (player.side == 0) {
            clients.push_back(&player);
        } else {
            right = player.name;
        }
    }
    if (clients.empty()) {
        clients.push_back(&nobody);
    }
    for (const Player* client : clients) {
        Page page{client->name, right, Ladder(stage, *client, server_port(stage.frames)).rows(), 0};
        const auto first = std::find_if(page.rows.begin(), page.rows.end(),
                                        [](const Row& row) { return row.side == 0; });
        page.start = !pages.empty()             ? pages.front().start
                     : first != page.rows.end() ? first->time
                     : !page.rows.empty()       ? page.rows.front().time
                                                : 0;
        pages.push_back(page);
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

/// What a page shows at the most, of a conversation that did not end by itself.
constexpr std::size_t most_rows = 150;

/// Everything that is shown, and kept, of what was played.
struct Shown {
    std::vector<std::string> rows; ///< step by step
    std::vector<std::string> rest;
    std::vector<Page> pages; ///< for the picture
    std::vector<std::string> text_of_picture;
    std::vector<Frame> frames;
};

/// Where a student has written one of two programs, and the other does nothing yet: how to see it.
void add_hint(const Stage& stage, std::vector<std::string>& lines)
{
    std::array<bool, 2> is_idle{};
    for (const Player& player : stage.players) {
        is_idle.at(static_cast<std::size_t>(player.side)) = !came_to_nothing(stage, player).empty();
    }
    if (is_idle[0] && !is_idle[1]) {
        lines.emplace_back("With the notebook's client in its place: make wire SERVER='./server "
                           "--port {port} --delay {delay}'");
    } else if (is_idle[1] && !is_idle[0]) {
        lines.emplace_back(
            "With the notebook's server in its place: make wire CLIENT='./client --port {port}'");
    }
}

/// Plays a scene, or what is played beside it.
void play(const Scene& scene, void (*what)(Stage&, const Cast&), const Cast& cast, Shown& shown)
{
    Stage stage(scene.hosts);
    std::optional<Ending> ending;
    try {
        what(stage, cast);
        stage.watch_until_quiet(Seconds(0.15)); // an acknowledgement of its own may take 40 ms
    } catch (const Ending& caught) {
        ending = caught;
    }
    std::vector<Page> pages = pages_of(stage);
    std::vector<std::string> after;
    if (what == scene.play || ending) {
        after = afterword(stage, scene, ending, pages.empty() ? 0 : pages.front().start);
    }
    if (cast.is_handout && !cast.is_asked_for && !after.empty()) {
        add_hint(stage, after);
    }
    for (Page& page : pages) {
        if (page.rows.size() > most_rows) {
            after.insert(after.begin(), std::to_string(page.rows.size() - most_rows) +
                                            " more rows are not shown.");
            page.rows.resize(most_rows);
        }
    }
    shown.frames.insert(shown.frames.end(), stage.frames.begin(), stage.frames.end());
    if (scene.beside != nullptr && !pages.empty()) {
        auto lines = side_by_side(pages, screen_width());
        shown.rows.insert(shown.rows.end(), lines.begin(), lines.end());
        lines.push_back(in_language(answered_after(stage)));
        shown.rows.insert(shown.rows.end(), {lines.back(), ""});
        shown.text_of_picture.insert(shown.text_of_picture.end(), lines.begin(), lines.end());
    } else if (scene.has_ladder) {
        for (const Page& page : pages) {
            const auto lines = as_text(page, screen_width());
            if (!page.rows.empty()) {
                shown.rows.insert(shown.rows.end(), lines.begin(), lines.end());
                shown.rows.emplace_back("");
            }
        }
        shown.pages = pages;
    }
    const std::vector<std::string> unfolded = unfold(stage.frames, scene.unfolds);
    for (const auto* sentences : {&unfolded, &std::as_const(after)}) {
        for (const std::string& sentence : *sentences) {
            for (const std::string& line : folded(in_language(sentence))) {
                shown.rest.push_back(line);
                shown.text_of_picture.push_back(line);
            }
        }
    }
}

} // namespace

void show(const Scene& scene, const Cast& cast, const CommandLine& given)
{
    Shown shown;
    play(scene, scene.play, cast, shown);
    if (scene.beside != nullptr && !shown.rows.empty()) {
        play(scene, scene.beside, cast, shown);
    }
    if (const std::string path = given.text("pcap", ""); !path.empty()) {
        write_file(path, [&](const std::string& part) { return write_pcap(part, shown.frames); });
    }
    if (const std::string path = given.text("svg", ""); !path.empty()) {
        write_file(path, [&](const std::string& part) {
            std::ofstream file(part);
            file << as_picture(shown.pages, shown.text_of_picture);
            file.close();
            return !file.fail();
        });
    }
    print(scene.name, ": ", in_language(scene.shows), " (", in_language(scene.section), ")");
    print(in_language(scene.about));
    print("");
    if (given.has("step")) {
        print_step_by_step(shown.rows);
    } else {
        for (const std::string& row : shown.rows) {
            print(row);
        }
    }
    for (const std::string& line : shown.rest) {
        print(line);
    }
    if (scene.has_ladder && scene.has_states && scene.beside == nullptr && !shown.rows.empty()) {
        print(in_language(
            "States in brackets follow from the segments; the others, Linux was asked for."));
    }
    if (!lab::Program::are_watched) {
        print(in_language(
            "Calls are not seen: this system does not let a program be watched (ptrace)."));
    }
    print("");
}
