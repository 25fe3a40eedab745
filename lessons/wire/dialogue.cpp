#include "dialogue.hpp"
#include "common/screen.hpp"

#include <algorithm>
#include <string_view>

namespace
{

constexpr std::string_view welcome = "Welcome!";
constexpr std::string_view hello = "Hello, ";

std::string in_quotes(std::string_view text)
{
    constexpr std::size_t room = 24;
    return "\"" + visible(text.substr(0, room)) + (text.size() > room ? "..\"" : "\"");
}

std::string bytes(std::size_t count)
{
    return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

} // namespace

Dialogue::Dialogue(const std::vector<Frame>& frames, std::uint32_t port)
{
    for (const Frame& frame : frames) {
        const Packet packet(frame);
        if (packet.kind != Packet::Kind::tcp || (packet.to != port && packet.from != port)) {
            continue;
        }
        const std::size_t side = packet.to == port ? 0 : 1;
        const std::uint32_t client = side == 0 ? packet.from : packet.to;
        client_port_ = client_port_ == 0 ? client : client_port_;
        if (client != client_port_) {
            continue;
        }
        if (packet.has('S')) {
            has_synced_.at(side) = true;
            first_.at(side) = packet.sequence + 1;
        }
        if (packet.has('R') && is_reset_by_ == -1) {
            is_reset_by_ = static_cast<int>(side);
            was_ended_before_reset_ = has_ended_.at(side);
        }
        has_ended_.at(side) = has_ended_.at(side) || packet.has('F');
        if (packet.length > 0) {
            last_sent_.at(side) = frame.time;
            pieces_.at(side)[packet.sequence - first_.at(side)] =
                std::string(frame.bytes.begin() + static_cast<long>(packet.data),
                            frame.bytes.begin() + static_cast<long>(packet.data + packet.length));
        }
    }
}

std::string Dialogue::said(int side) const
{
    std::string text;
    for (const auto& [place, piece] : pieces_.at(static_cast<std::size_t>(side))) {
        if (place <= text.size() && place + piece.size() > text.size()) { // else it came again
            text += piece.substr(text.size() - place);
        }
    }
    return text;
}

Dialogue::Answers Dialogue::answers() const
{
    const std::string asked = said(0);
    const std::string told = said(1);
    Answers done;
    if (!told.starts_with(welcome)) {
        const auto [ours, theirs] =
            std::mismatch(told.begin(), told.end(), welcome.begin(), welcome.end());
        done.right = static_cast<std::size_t>(ours - told.begin());
        return done;
    }
    done.right = done.whole = welcome.size();
    while (done.right < told.size()) {
        const std::string_view rest = std::string_view(told).substr(done.right);
        bool is_whole = false;
        std::size_t longest = 0; // how far the next answer is right, whatever recv has returned
        for (std::size_t length = 1; done.answered + length <= asked.size(); ++length) {
            const std::string answer =
                std::string(hello) + asked.substr(done.answered, length) + "!";
            const auto [ours, theirs] =
                std::mismatch(rest.begin(), rest.end(), answer.begin(), answer.end());
            longest = std::max(longest, static_cast<std::size_t>(ours - rest.begin()));
            if (theirs == answer.end()) {
                done.answered += length;
                is_whole = true;
                break;
            }
        }
        done.right += longest;
        if (!is_whole) {
            break;
        }
        done.whole = done.right;
    }
    return done;
}

std::string Dialogue::difference() const
{
    const std::string told = said(1);
    const auto [right, whole, answered] = answers();
    if (right < told.size()) {
        const std::string rest = told.substr(right);
        const std::string expected = due();
        const std::size_t after = expected.empty() || right > whole ? 0 : rest.find(expected);
        const bool is_more = right == whole && right >= welcome.size();
        const bool goes_on = after != 0 && after != std::string::npos; // behind what is too much
        return "What the server sent is the notebook's for " + bytes(right) + "; then came " +
               in_quotes(goes_on ? rest.substr(0, after) : rest) +
               (right < welcome.size() ? ", where the welcome is " + in_quotes(welcome) + "."
                : is_more && (goes_on || expected.empty())
                    ? ", where nothing of the kind belongs."
                    : ", where the answer is " + in_quotes(expected) + ".");
    }
    if (is_reset_by_ == 1 && was_answered()) {
        return was_ended_before_reset_
                   ? "RST came from the server's side: its socket was closed already, and there "
                     "was nobody to take what the client sent."
                   : "RST came from the server's side, where FIN was due: its socket was closed "
                     "while there was something in it that it had not received.";
    }
    return "";
}

std::string Dialogue::due() const
{
    const std::string asked = said(0);
    const auto [right, whole, answered] = answers();
    if (right < welcome.size()) {
        return std::string(welcome);
    }
    static constexpr std::array<const char*, 3> names = {"Yam", "May", "Sarah"};
    for (const std::string name : names) {
        if (std::string_view(asked).substr(answered).starts_with(name)) {
            return std::string(hello) + name + "!";
        }
    }
    const std::string rest = asked.substr(answered);
    return rest.empty() || rest == "exit" ? "" : std::string(hello) + rest + "!";
}

std::string Dialogue::next(bool client) const
{
    if (!was_begun()) {
        return "the client would have come to the server: connect.";
    }
    if (was_reset()) {
        return was_answered() ? ""
                              : "the server would have listened at 127.0.0.1:9999, and its kernel "
                                "answered with SYN ACK.";
    }
    if (!was_answered()) {
        return "the server's kernel would have answered: SYN ACK.";
    }
    const std::string asked = said(0);
    const std::string answer = due();
    if (!answer.empty() && !has_ended_[1]) {
        const bool is_begun = answers().right > answers().whole;
        return "the server would have sent " + std::string(is_begun ? "the rest of " : "") +
               in_quotes(answer) + ", " + bytes(answer.size()) + ".";
    }
    if (!has_ended_[0] && client) {
        static const std::vector<std::pair<std::string, std::string>> order = {
            {"", "Yam"}, {"Yam", "May"}, {"YamMay", "Sarah"}, {"YamMaySarah", "exit"}};
        for (const auto& [before, after] : order) {
            if (asked == before) {
                return "the client would have sent " + in_quotes(after) + ", " +
                       bytes(after.size()) + ".";
            }
        }
        return asked.ends_with("exit") ? "the client would have closed: FIN." : "";
    }
    if (has_ended_[0] && !has_ended_[1]) {
        return "the server would have closed, too: FIN.";
    }
    if (has_ended_[1] && !has_ended_[0]) {
        return "the client would have closed, too: FIN.";
    }
    return "";
}
