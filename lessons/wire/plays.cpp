#include "plays.hpp"
#include "loss.hpp"
#include "scenes.hpp"

#include <algorithm>
#include <set>

namespace plays
{

/// Watches until this server has no connection any more, and, if its calls are seen, has closed
/// them. A process that ends closes without a call: for that it is not waited long.
static void until_closed(Stage& stage, const Player& server)
{
    stage.watch_sockets_until("The server would have closed its connection.", server,
                              [](const std::vector<lab::ListedSocket>& sockets) {
                                  return std::none_of(sockets.begin(), sockets.end(),
                                                      [](const lab::ListedSocket& socket) {
                                                          return socket.port == the_port &&
                                                                 socket.peer != 0 &&
                                                                 socket.state != "TIME_WAIT";
                                                      });
                              });
    const auto count = [&](const std::function<bool(const WireCall&)>& is_meant) {
        return std::count_if(stage.calls.begin(), stage.calls.end(), [&](const WireCall& call) {
            return call.player == server.number && call.has_returned && is_meant(call);
        });
    };
    const Seconds start = stage.played();
    stage.watch_until("", [&] {
        const auto open =
            count([](const WireCall& call) { return call.kind == "accept" && call.result >= 0; });
        const auto closed =
            count([](const WireCall& call) { return call.kind == "close" && call.is_inet; });
        return closed >= open || stage.played() - start > Seconds(1.3);
    });
}

/// The number of the first socket like this in the server's network, or 0.
static unsigned long socket_like(int own_port, int peer, const std::string& state)
{
    for (const lab::ListedSocket& socket : lab::sockets_of()) {
        const bool fits = (own_port == 0 || socket.port == own_port) &&
                          (peer == 0 || socket.peer == peer) && socket.state == state;
        if (fits) {
            return socket.inode;
        }
    }
    return 0;
}

bool is_name(const Packet& packet) { return packet.to == the_port && packet.length > 0; }
bool is_question(const Packet& packet) { return packet.kind == Packet::Kind::arp; }
static bool is_answer(const Packet& packet) { return packet.from == the_port && packet.length > 8; }

/// The client holds its conversation, and the server sees it to the end.
static void converse(Stage& stage, const Player& server, Player& client)
{
    stage.watch_until_ends(client);
    until_closed(stage, server);
}

void session(Stage& stage, const Cast& cast)
{
    Player& server = cast.start_server(stage, "0.1");
    converse(stage, server, cast.start_client(stage));
}

void two_hosts(Stage& stage, const Cast& cast)
{
    Player& server = cast.start_server(stage, "0.1", {"--host", "10.0.0.2"});
    converse(stage, server, cast.start_client(stage, {"Yam"}));
}

void refused(Stage& stage, const Cast& cast) { stage.watch_until_ends(cast.start_client(stage)); }

void lost_syn(Stage& stage, const Cast& cast)
{
    Player& server = cast.start_server(stage, "0.1");
    const unsigned long door = socket_like(the_port, 0, "LISTEN");
    if (door == 0) { // nothing can be lost there
        converse(stage, server, cast.start_client(stage, {"Yam"}));
        return;
    }
    Loss loss(stage, server, door);
    Player& client = cast.start_client(stage, {"Yam"});
    loss.until([](const Packet& packet) { return packet.has('S'); });
    converse(stage, server, client);
}

void full(Stage& stage, const Cast& cast)
{
    Player& server = cast.start_server(stage, "0.4", {"--max-clients", "1", "--backlog", "0"});
    std::vector<Player*> clients;
    for (int number = 1; number <= 3; ++number) {
        clients.push_back(&cast.start_client(stage, {"Yam"}, "./client " + std::to_string(number)));
        if (number == 1) { // it is served, and has left the backlog
            stage.watch_until("The server would have welcomed the first client.",
                              [&] { return stage.has_seen(is_name); });
        } else if (number == 2) { // its handshake is over
            stage.watch_until_waits_in(*clients.back(), "recv");
        }
    }
    for (Player* client : clients) {
        stage.watch_until_ends(*client);
    }
    until_closed(stage, server);
}

void lost_data(Stage& stage, const Cast& cast)
{
    Player& server = cast.start_server(stage, "0.5");
    Player& client = cast.start_client(stage, {"Yam"});
    stage.watch_until("The client would have sent a name.", [&] {
        bool is_sent = false;
        return stage.has_seen([&](const Packet& packet) {
            is_sent = is_sent || is_name(packet);
            return is_sent && packet.from == the_port;
        });
    });
    const unsigned long connection = socket_like(0, the_port, "ESTABLISHED");
    if (connection != 0) { // else the client has left already
        Loss(stage, client, connection).until(is_answer);
    }
    converse(stage, server, client);
}

void killed(Stage& stage, const Cast& cast)
{
    Player& server = cast.start_server(stage, "0.5");
    Player& client = cast.start_client(stage);
    stage.watch_until("The client would have sent a name, and been killed.", [&] {
        bool is_sent = false;
        return client.has_ended || stage.has_seen([&](const Packet& packet) {
            is_sent = is_sent || is_name(packet);
            return is_sent && packet.from == the_port; // it has been acknowledged
        });
    });
    stage.note(client, "kill -9");
    client.stop();
    stage.watch_until("The server would have sent its answer, and RST come back.", [&] {
        return stage.has_seen([](const Packet& packet) { return packet.has('R'); });
    });
    until_closed(stage, server);
}

void with_part(Stage& stage, const Cast& cast, std::vector<std::string> acts,
               const std::string& delay)
{
    Player& server = cast.start_server(stage, delay);
    acts.insert(acts.begin(), "client");
    converse(stage, server, start_part(stage, 0, "a client", acts));
}

void sends_much(Stage& stage, const Cast& cast, std::vector<std::string> acts)
{
    if (!cast.server.empty() || cast.is_handout) {
        acts.insert(acts.begin(), {"connect", "hear"});
        acts.insert(acts.end(), {"end", "drain"});
        with_part(stage, cast, acts);
        return;
    }
    Player& server = start_part(stage, 1, "a server", {"late-server"});
    stage.watch_until_waits_in(server, "accept");
    acts.insert(acts.begin(), {"client", "connect"});
    stage.watch_until_ends(start_part(stage, 0, "a client", acts));
    stage.watch_until_ends(server);
}

/// How many have come to the server.
static std::size_t count_of_clients(const Stage& stage)
{
    std::set<std::uint32_t> ports;
    for (const Frame& frame : stage.frames) {
        const Packet packet(frame);
        if (packet.has('S') && !packet.has('A')) {
            ports.insert(packet.from);
        }
    }
    return ports.size();
}

/// Three clients come at once.
static void
many(Stage& stage, const Player& server,
     const std::function<Player&(const std::string& name, const std::string& title)>& start)
{
    std::vector<Player*> clients;
    for (const char* name : {"Yam", "May", "Sarah"}) {
        clients.push_back(&start(name, "client " + std::to_string(clients.size() + 1)));
        stage.watch_until("The client would have come to the server.", [&] { // one after another
            return clients.back()->has_ended || count_of_clients(stage) == clients.size();
        });
    }
    for (Player* client : clients) {
        stage.watch_until_ends(*client);
    }
    until_closed(stage, server);
}

void side_by_side(Stage& stage, const Cast& cast)
{
    many(stage, cast.start_server(stage, "0.3"),
         [&](const std::string& name, const std::string& title) -> Player& {
             return cast.start_client(stage, {name}, title);
         });
}

void in_turn(Stage& stage, const Cast& cast)
{
    const bool greets = cast.is_handout;
    Player& server = greets
                         ? start_part(stage, 1, "a server, no threads", {"server-in-turn", "0.3"})
                         : start_own(stage, 1, "thank_you_loop",
                                     {"lessons/thank_you_loop", "--host", "127.0.0.1", "--port",
                                      std::to_string(the_port)});
    stage.watch_until_listens(server);
    many(stage, server, [&](const std::string& name, const std::string& title) -> Player& {
        return start_part(
            stage, 0, title,
            greets ? std::vector<std::string>{"client", "connect", "hear", "send:" + name, "hear",
                                              "send:exit"}
                   : std::vector<std::string>{"client", "connect", "send:" + name, "hear", "rest"});
    });
}

void udp(Stage& stage, const Cast& /*cast*/)
{
    Player& server = start_own(stage, 1, "lessons/udp_server", {"lessons/udp_server"});
    stage.watch_until_waits_in(server, "recvfrom");
    stage.watch_until_ends(start_own(stage, 0, "lessons/udp_client", {"lessons/udp_client"}));
}

void udp_refused(Stage& stage, const Cast& /*cast*/)
{
    stage.watch_until_ends(
        start_own(stage, 0, "lessons/udp_client", {"lessons/udp_client", "--timeout", "1", "Yam"}));
}

} // namespace plays
