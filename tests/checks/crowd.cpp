#include "crowd.hpp"
#include "finding.hpp"
#include "lines.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/text.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>

namespace lab
{
namespace
{

const std::string by_value =
    "The threads share one variable: the loop's socket is handed over by its address (&sock, [&], "
    "a pointer, a global), and when the thread looks, the next client is already in it. Hand the "
    "socket and the address over by value.";

/// Five clients that connect while the server is stopped for a moment.
std::vector<std::optional<Peer>> come_in_one_instant(Server& server)
{
    std::vector<std::thread> arrivals;
    std::vector<std::optional<Peer>> peers(5);
    {
        const Halt halt(server);
        for (std::optional<Peer>& peer : peers) {
            arrivals.emplace_back([&] {
                try {
                    peer.emplace(Peer::to(server.port(), "127.0.0.1", times::to_arrive));
                } catch (const std::system_error&) { // there was no room; the others tell
                }
            });
        }
        std::this_thread::sleep_for(times::delayed);
    }
    for (std::thread& arrival : arrivals) {
        arrival.join();
    }
    return peers;
}

/// The first line of this text that is not made of these pieces only, newlines left aside: some
/// languages write them apart. Empty if there is none.
std::string first_odd_line(const std::string& text, const std::vector<std::string>& pieces)
{
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::string rest = line;
        for (const std::string& piece : pieces) {
            if (const std::size_t at = rest.find(piece); at != std::string::npos) {
                rest.erase(at, piece.size());
            }
        }
        if (!rest.empty()) {
            return line;
        }
    }
    return "";
}

} // namespace

testing::AssertionResult prints_whole_lines()
{
    Server server("0", "", "", Program::Output::terminal);
    server.listens();
    server.let_lines_mix();
    std::vector<std::string> pieces = {texts()["waiting"]};
    // Where it is watched, the first round mixes them.
    const int rounds = server.calls().empty() ? 6 : 1;
    for (int round = 0; round < rounds; ++round) {
        std::vector<Peer> peers;
        for (int i = 0; i < 20; ++i) {
            peers.push_back(Peer::to(server.port()));
            pieces.push_back(accepted(peers.back().address()));
            pieces.push_back(closed(peers.back().address()));
        }
        const auto all = [&](auto&& holds) {
            return server.until(
                [&] {
                    static_cast<void>(server.out()); // a terminal takes only so much
                    return std::all_of(peers.begin(), peers.end(), holds);
                },
                Seconds(server.delay()) + times::a_while);
        };
        all([](Peer& peer) { return peer.has_news(); });
        {
            const Halt halt(server);
            for (Peer& peer : peers) {
                peer.say("exit");
            }
        }
        all([](Peer& peer) { return static_cast<void>(peer.receive_now()), peer.ended(); });
    }
    const auto all_are_there = [&] {
        const std::string out = server.out();
        return std::all_of(pieces.begin(), pieces.end(),
                           [&](const std::string& piece) { return contains(out, piece); });
    };
    server.until(all_are_there, times::moment); // lines that are mixed never are
    const std::string odd = first_odd_line(server.out(), pieces);
    if (odd.empty() || is_found("more lines") || is_found("no lines")) {
        return testing::AssertionSuccess();
    }
    return not_yet(server, "server",
                   {"exit, from 20 clients at the same moment", "whole lines, one for each of them",
                    quote(odd),
                    "The lines of two threads are mixed: a line is printed in several pieces (each "
                    "<< of std::cout is one), and another thread prints between them. Put the line "
                    "together first, and print it in one call.",
                    step::lines, "for i in 1 2 3 4 5; do ./client & done"});
}

testing::AssertionResult serves_five_in_one_instant(Server& server, bool& lacks_room)
{
    std::vector<std::optional<Peer>> peers = come_in_one_instant(server);
    std::vector<std::string> welcomes(peers.size());
    const auto all_welcomed = [&] {
        for (std::size_t i = 0; i < peers.size(); ++i) {
            welcomes[i] += peers[i] ? peers[i]->receive_now() : "";
        }
        return std::all_of(welcomes.begin(), welcomes.end(),
                           [](auto& text) { return text.size() >= welcome_text().size(); });
    };
    server.until(all_welcomed, times::silence);
    eventually([&] { return !all_welcomed(); }, times::delayed); // a second welcome may follow
    Sentence listing;
    bool right = true;
    for (std::size_t i = 0; i < peers.size(); ++i) {
        if (welcomes[i].empty() && peers[i] && !peers[i]->ended() &&
            handshake_is_unfinished(server.port(), peers[i]->address())) {
            peers[i].reset(); // the server has not seen it yet
            lacks_room = true;
            continue;
        }
        right = right && welcomes[i] == welcome_text();
        listing += listing.empty() ? "" : ", ";
        listing += quote(welcomes[i]);
    }
    const auto is_printed = [&](const std::optional<Peer>& peer) {
        return !peer || is_found("no lines") || contains(server.out(), accepted(peer->address()));
    };
    std::string missing; // an address that is not printed, where another one is printed twice
    if (!server.until([&] { return std::all_of(peers.begin(), peers.end(), is_printed); },
                      times::in_a_burst)) {
        const auto unseen = std::find_if_not(peers.begin(), peers.end(), is_printed);
        for (const std::optional<Peer>& peer : peers) {
            const std::string out = server.out();
            const std::size_t first =
                peer ? out.find(accepted(peer->address())) : std::string::npos;
            if (first != std::string::npos &&
                out.find(accepted(peer->address()), first + 1) != std::string::npos) {
                missing = (*unseen)->address();
            }
        }
    }
    if (right && missing.empty()) {
        for (std::optional<Peer>& peer : peers) {
            if (peer) {
                peer->close(); // in good order
            }
        }
        return testing::AssertionSuccess();
    }
    const bool twice = contains(listing.english(), welcome_text() + welcome_text());
    // Of the first that was not welcomed, or of the one that has no line.
    std::optional<Departure> departure;
    for (std::size_t i = 0; i < peers.size() && !departure; ++i) {
        if (peers[i] && (right ? peers[i]->address() == missing : welcomes[i] != welcome_text())) {
            departure = departure_of(server, *peers[i]);
        }
    }
    return not_yet(server, "server",
                   {"nothing, from five clients that connected in one instant",
                    right ? fill("a line \"{line}\"", {{"line", accepted(missing)}})
                          : "\"Welcome!\", once for each of them",
                    right ? "no such line, but another client's twice" : listing,
                    twice || right ? by_value : "", step::accept,
                    "for i in 1 2 3 4 5; do ./client & done"},
                   departure);
}

} // namespace lab
