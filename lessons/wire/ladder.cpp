#include "ladder.hpp"
#include "common/screen.hpp"

#include <algorithm>

#include <netinet/tcp.h>

/// What a call has sent or received: a short text in quotes, a long one as its length.
static std::string bytes(const WireCall& call, long length)
{
    return length <= 14 ? "\"" + visible(call.data) + "\"" : std::to_string(length) + " bytes";
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
        if (call.player == client_ && call.own_port != 0 && clients > 1) {
            client_port_ = static_cast<std::uint32_t>(call.own_port);
        }
    }
    if (client_port_ == 0 && clients > 1) { // its calls are not seen: they come in this order
        std::set<std::uint32_t> ports;
        const auto place = std::count_if(players.begin(), players.end(), [&](const Player& player) {
            return is_client(player) && player.number <= client_;
        });
        for (const Frame& frame : stage.frames) {
            const Packet packet(frame);
            const bool comes =
                packet.has('S') && !packet.has('A') && ports.insert(packet.from).second;
            client_port_ = comes && std::ssize(ports) == place ? packet.from : client_port_;
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

bool Ladder::is_mine(const WireCall& call) const
{
    if (side_of(call) == 0) {
        return call.player == client_;
    }
    const auto peer = static_cast<std::uint32_t>(call.peer_port);
    return client_port_ == 0 || peer == client_port_ || (peer == 0 && is_first_);
}

bool Ladder::is_trial(std::size_t i) const
{
    const WireCall& call = stage_.calls[i];
    if (call.kind != "socket" && call.kind != "close") {
        return false;
    }
    const auto is_on_it = [&](const WireCall& other) { return other.socket == call.socket; };
    const auto is_next = [&](const WireCall& other) {
        return other.player == call.player && other.kind == "socket" && other.is_inet &&
               other.began > call.began && !is_on_it(other);
    };
    const auto& calls = stage_.calls;
    return call.socket != 0 && std::count_if(calls.begin(), calls.end(), is_on_it) == 2 &&
           std::any_of(
               calls.begin(), calls.end(),
               [&](const WireCall& other) { return is_on_it(other) && other.kind == "close"; }) &&
           std::any_of(calls.begin(), calls.end(), is_next);
}

void Ladder::add_call(std::size_t i)
{
    const WireCall& call = stage_.calls[i];
    const bool asks_again = call.result == -EAGAIN && !call.waits; // there was nothing yet
    if (!call.is_inet || call.kind == "option" || asks_again || !is_mine(call) || is_trial(i)) {
        return;
    }
    const std::string error =
        call.has_returned && call.result < 0 ? std::strerror(static_cast<int>(-call.result)) : "";
    const bool is_sent = call.kind == "send";
    const bool waits = call.kind == "connect" || call.kind == "accept" || call.kind == "recv";
    std::string arguments;
    if (is_sent) {
        arguments = bytes(call, call.size) + (call.address.empty() ? "" : ", " + call.address);
    } else if (call.kind == "bind" || call.kind == "connect") {
        arguments = call.address;
    } else if (call.kind == "socket") {
        arguments = call.flags == SOCK_DGRAM ? "SOCK_DGRAM" : "SOCK_STREAM";
    } else if (call.kind == "shutdown") {
        arguments = call.flags == SHUT_WR   ? "SHUT_WR"
                    : call.flags == SHUT_RD ? "SHUT_RD"
                                            : "SHUT_RDWR";
    } else if (call.kind == "recv" || call.kind == "listen") {
        arguments = std::to_string(call.size);
    }
    Row row;
    row.time = call.began;
    row.side = side_of(call);
    row.is_for_nobody = row.side == 1 && (call.peer_port == 0 || call.kind == "accept");
    row.text = call.name + "(" + arguments + ")";
    if (!waits && call.has_returned) { // it returns at once
        const bool is_number = call.kind == "socket" || (is_sent && call.result > 0);
        row.text += !error.empty() ? " " + error
                    : is_number    ? " = " + std::to_string(call.result)
                                   : "";
    }
    row.state[1] = call.kind == "listen" && call.has_returned && error.empty() ? "LISTEN" : "";
    entries_.push_back({row, begins, nullptr});
    if (!waits || !call.has_returned) {
        return;
    }
    row.is_for_nobody = false;
    row.time = call.ended;
    row.text = "= " + (call.result == -EAGAIN   ? "nothing, in time"
                       : !error.empty()         ? error
                       : call.kind == "connect" ? "0"
                       : call.kind == "accept"  ? call.address
                                                : bytes(call, call.result));
    row.state = {};
    if (error.empty() && call.state != TCP_CLOSE) {
        row.state[static_cast<std::size_t>(row.side)] = lab::state_name(call.state);
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
        for (const lab::ListedSocket& socket : lab::sockets_of()) {
            if (!socket.datagrams && socket.port == static_cast<int>(own)) {
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
