#include "ladder.hpp"
#include "common/screen.hpp"

#include <algorithm>

#include <netinet/tcp.h>

/// What a call has sent or received: a short text in quotes, a long one as its length.
static std::string bytes(const WireCall& call, std::int64_t length)
{
    const std::string_view data(call.data, static_cast<std::size_t>(call.data_length));
    return length <= 14 ? "\"" + visible(data) + "\"" : std::to_string(length) + " bytes";
}

std::uint32_t server_port(const std::vector<Frame>& frames)
{
    for (const Frame& frame : frames) {
        const Packet packet(frame);
        if (packet.has('S') && !packet.has('A')) {
            return packet.to;
        }
    }
    return 9999;
}

Ladder::Ladder(const Stage& stage, const Player& client, std::uint32_t port)
    : stage_(stage), client_(client.number), port_(port)
{
    const auto is_client = [](const Player& player) { return player.side == 0; };
    const auto& players = stage.players;
    const auto clients = std::count_if(players.begin(), players.end(), is_client);
    const auto first = std::find_if(players.begin(), players.end(), is_client);
    is_first_ = first == players.end() || first->number == client_;
    for (const WireCall& call : stage.calls) {
        if (call.player == client_ && call.port != 0 && clients > 1) {
            client_port_ = call.port;
        }
    }
    for (std::size_t i = 0; i < stage.calls.size(); ++i) {
        add_call(i);
    }
    for (const Frame& frame : stage.frames) {
        add_frame(frame);
    }
    for (const Stage::Note& note : stage.notes) {
        const int side = note.player->side;
        if (side == 0 ? note.player->number == client_ : is_first_) {
            Row row;
            row.time = note.time;
            row.side = side;
            row.text = note.text;
            entries_.push_back({row, begins, nullptr});
        }
    }
    // In the same moment, a call begins before what it causes, and returns after what it waits
    // for.
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& one, const Entry& other) {
        return std::tie(one.row.time, one.order) < std::tie(other.row.time, other.order);
    });
    for (Entry& entry : entries_) {
        entry.frame != nullptr ? describe(entry) : show_once(entry.row);
        rows_.push_back(entry.row);
    }
    add_end();
}

int Ladder::side_of(const WireCall& call) const
{
    const auto number = static_cast<std::size_t>(call.player);
    return number < stage_.players.size() ? stage_.players[number].side : 0;
}

const WireCall* Ladder::return_of(std::size_t begin) const
{
    const auto& calls = stage_.calls;
    const auto found =
        std::find_if(calls.begin() + static_cast<long>(begin) + 1, calls.end(),
                     [&](const WireCall& each) { return each.thread == calls[begin].thread; });
    return found == calls.end() ? nullptr : &*found;
}

bool Ladder::is_mine(const WireCall& call, const WireCall* end) const
{
    if (side_of(call) == 0) {
        return call.player == client_;
    }
    const std::uint16_t peer = end != nullptr && end->peer != 0 ? end->peer : call.peer;
    return client_port_ == 0 || peer == client_port_ || (peer == 0 && is_first_);
}

bool Ladder::is_trial(std::size_t i) const
{
    const auto& calls = stage_.calls;
    const auto is_theirs = [&](const WireCall& call, const char* name) {
        return call.player == calls[i].player && call.name == std::string_view(name);
    };
    if (is_theirs(calls[i], "close")) { // the call before it on that descriptor
        std::size_t made = i;
        while (made > 0 &&
               !(calls[made].player == calls[i].player && calls[made].has_returned &&
                 (calls[made].fd == calls[i].fd || calls[made].result == calls[i].fd))) {
            --made;
        }
        return is_theirs(calls[made], "socket") && calls[made].result == calls[i].fd &&
               std::any_of(calls.begin() + static_cast<long>(i), calls.end(),
                           [&](const WireCall& call) { return is_theirs(call, "socket"); });
    }
    const WireCall* end = is_theirs(calls[i], "socket") ? return_of(i) : nullptr;
    for (std::size_t next = i + 1; end != nullptr && next < calls.size(); ++next) {
        if (calls[next].player == calls[i].player && calls[next].fd == end->result) {
            return is_theirs(calls[next], "close") && is_trial(next);
        }
    }
    return false;
}

void Ladder::add_call(std::size_t i)
{
    const WireCall& call = stage_.calls[i];
    if (call.has_returned || is_trial(i)) {
        return;
    }
    const WireCall* end = return_of(i);
    if (!is_mine(call, end)) {
        return;
    }
    using Kind = WireCall::Kind;
    if (end != nullptr && end->never_waits) {
        return; // it asked, and there was nothing yet: it will ask again
    }
    std::string arguments = call.arguments;
    if (call.kind == Kind::send) {
        const bool to_somebody = arguments.find(':') != std::string::npos;
        arguments = bytes(call, call.length) + (to_somebody ? ", " + arguments : "");
    }
    Row row;
    row.time = call.time;
    row.side = side_of(call);
    row.is_for_nobody = row.side == 1 && call.peer == 0;
    row.text = std::string(call.name) + "(" + arguments + ")";
    const bool waits =
        call.kind == Kind::connect || call.kind == Kind::accept || call.kind == Kind::receive;
    if (!waits && end != nullptr) { // it returns at once
        row.text += end->result == -1 ? " " + std::string(std::strerror(end->error))
                    : end->result > 0 ? " = " + std::to_string(end->result)
                                      : "";
    }
    const bool listens = call.name == std::string_view("listen");
    row.state[1] = listens && end != nullptr && end->result == 0 ? "LISTEN" : "";
    entries_.push_back({row, begins, nullptr});
    if (!waits || end == nullptr) {
        return;
    }
    row.is_for_nobody = false;
    row.time = end->time;
    row.text = "= " + (end->error == EAGAIN         ? "nothing, in time"
                       : end->result == -1          ? std::string(std::strerror(end->error))
                       : call.kind == Kind::connect ? "0"
                       : call.kind == Kind::accept  ? std::string(end->arguments)
                                                    : bytes(*end, end->result));
    row.state = {};
    if (end->result != -1 && end->state != TCP_CLOSE) {
        row.state[static_cast<std::size_t>(row.side)] = state_name(end->state);
    }
    entries_.push_back({row, returns, nullptr});
}

void Ladder::add_frame(const Frame& frame)
{
    const Packet packet(frame);
    Row row;
    row.kind = Row::Kind::segment;
    row.time = frame.time;
    row.is_lost = frame.is_lost;
    row.side = packet.kind == Packet::Kind::arp ? (frame.ip(28) == "10.0.0.1" ? 0 : 1)
                                                : (packet.to == port_ ? 0 : 1);
    const std::uint32_t client = row.side == 0 ? packet.from : packet.to;
    if (client_port_ == 0 || client == client_port_) {
        entries_.push_back({row, passes, &frame});
    }
}

void Ladder::describe(Entry& entry)
{
    const Frame& frame = *entry.frame;
    const Packet packet(frame);
    Row& row = entry.row;
    const auto side = static_cast<std::size_t>(row.side);
    if (packet.kind != Packet::Kind::tcp) {
        row.text = packet.kind == Packet::Kind::udp    ? "UDP " + packet.payload()
                   : packet.kind == Packet::Kind::icmp ? "ICMP port unreachable"
                   : frame.number(20, 2) == 1
                       ? "ARP who has " + frame.ip(38) + "?"
                       : "ARP " + frame.ip(28) + " is at " + frame.hex(22, 6, ":");
        return;
    }
    if (packet.has('S')) {
        first_[side] = packet.sequence;
    }
    const bool is_again = (packet.length > 0 || packet.has('S') || packet.has('F')) &&
                          !sent_.emplace(row.side, packet.sequence, packet.length).second;
    row.text = packet.flag_names() + " seq=" + std::to_string(packet.sequence - first_[side]);
    row.text +=
        packet.has('A') ? " ack=" + std::to_string(packet.acknowledged - first_[1 - side]) : "";
    row.text += packet.length > 0 ? " " + packet.payload() : "";

    const std::array<std::string, 2> before = {ends_[0].now(), ends_[1].now()};
    ends_[side].sends(packet);
    if (!row.is_lost) {
        ends_[1 - side].receives(packet);
    }
    for (const std::size_t each : {0U, 1U}) {
        const std::string& now = ends_[each].now();
        row.state[each] = now == before[each] ? "" : "(" + now + ")";
    }
    const auto add = [](std::string& state, const char* word) {
        state += (state.empty() ? "" : " ") + std::string(word);
    };
    if (is_again) {
        add(row.state[side], "again");
    }
    if (packet.has('S') && !packet.has('A')) {
        if (is_again && !rows_[last_syn_].is_lost) { // it came, and was not answered
            add(rows_[last_syn_].state[1], "dropped");
        }
        last_syn_ = rows_.size(); // where this row will be
    }
    if (row.is_lost) {
        add(row.state[1 - side], "lost");
    }
}

void Ladder::show_once(Row& row)
{
    std::string& state = row.state[static_cast<std::size_t>(row.side)];
    std::string& last = asked_[static_cast<std::size_t>(row.side)];
    if (state == last) {
        state = "";
    } else if (!state.empty()) {
        last = state;
        ends_[static_cast<std::size_t>(row.side)].is(state);
    }
}

void Ladder::add_end()
{
    for (const Entry& entry : entries_) {
        if (entry.frame == nullptr || Packet(*entry.frame).kind != Packet::Kind::tcp) {
            continue;
        }
        const Packet packet(*entry.frame);
        const std::uint32_t own = entry.row.side == 0 ? packet.from : packet.to;
        for (const ListedSocket& socket : sockets_of()) {
            if (socket.port == own) {
                Row row;
                row.time = Stage::clock();
                row.text = "afterwards";
                row.state[0] = socket.state;
                rows_.push_back(row);
                return;
            }
        }
        return;
    }
}
