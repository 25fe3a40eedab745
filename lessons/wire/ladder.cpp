#include "ladder.hpp"
#include "../../common/screen.hpp"

#include <algorithm>

#include <netinet/tcp.h>

/// What a call has sent or received: a short text in quotes, a long one as its length.
static std::string bytes(const WireCall& call, std::int32_t length)
{
    const std::string_view data(call.data, static_cast<std::size_t>(call.data_length));
    return length <= 14 ? "\"" + visible(data) + "\"" : std::to_string(length) + " bytes";
}

Ladder::Ladder(const Stage& stage, const Player& client, std::uint32_t port)
    : stage_(stage), client_(client.pid), port_(port)
{
    const auto is_client = [](const Player& player) { return player.side == 0; };
    const auto& players = stage.players;
    const auto clients = std::count_if(players.begin(), players.end(), is_client);
    is_first_ = std::find_if(players.begin(), players.end(), is_client)->pid == client_;
    for (const WireCall& call : stage.calls) {
        if (call.pid == client_ && call.port != 0 && clients > 1) {
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
        if (note.player->pid == client_) {
            entries_.push_back(
                {{Row::Kind::call, note.time, 0, note.text, {}, false}, begins, nullptr});
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

int Ladder::side_of(pid_t pid) const
{
    const auto player = std::find_if(stage_.players.begin(), stage_.players.end(),
                                     [&](const Player& each) { return each.pid == pid; });
    return player == stage_.players.end() ? 0 : player->side;
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
    if (side_of(call.pid) == 0) {
        return call.pid == client_;
    }
    const std::uint16_t peer = end != nullptr && end->peer != 0 ? end->peer : call.peer;
    return client_port_ == 0 || peer == client_port_ || (peer == 0 && is_first_);
}

void Ladder::add_call(std::size_t i)
{
    const WireCall& call = stage_.calls[i];
    const WireCall* end = call.has_returned ? nullptr : return_of(i);
    if (call.has_returned || !is_mine(call, end)) {
        return;
    }
    const std::string name = call.name;
    std::string arguments = call.arguments;
    if (name == "send") {
        arguments = bytes(call, std::stoi(arguments));
    } else if (name == "sendto") {
        arguments = bytes(call, call.data_length) + ", " + arguments;
    }
    Row row;
    row.time = call.time;
    row.side = side_of(call.pid);
    row.text = name + "(" + arguments + ")";
    const bool waits = name == "connect" || name == "accept" || name.starts_with("recv");
    if (!waits && end != nullptr) { // it returns at once
        row.text += end->result == -1 ? " " + std::string(std::strerror(end->error))
                    : end->result > 0 ? " = " + std::to_string(end->result)
                                      : "";
    }
    row.state[1] = name == "listen" ? "LISTEN" : "";
    entries_.push_back({row, begins, nullptr});
    if (!waits || end == nullptr) {
        return;
    }
    row.time = end->time;
    row.text = "= " + (end->error == EAGAIN ? "nothing, in time"
                       : end->result == -1  ? std::string(std::strerror(end->error))
                       : name == "connect"  ? "0"
                       : name == "accept"   ? std::string(end->arguments)
                                            : bytes(*end, end->result));
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
        const auto left = Stage::states_of(entry.row.side == 0 ? packet.from : packet.to);
        if (!left.empty()) {
            Row row;
            row.time = Stage::clock();
            row.text = "afterwards";
            row.state[0] = left.front();
            rows_.push_back(row);
        }
        return;
    }
}
