#include "scenes.hpp"
#include "loss.hpp"

#include <algorithm>
#include <set>

namespace
{

/// Watches until this server has no connection any more, and, if its calls are seen, has closed
/// them. A process that ends closes without a call: for that it is not waited long.
void until_closed(Stage& stage, const Player& server)
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
unsigned long socket_like(int own_port, int peer, const std::string& state)
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
bool is_answer(const Packet& packet) { return packet.from == the_port && packet.length > 8; }

/// The client holds its conversation, and the server sees it to the end.
void converse(Stage& stage, const Player& server, Player& client)
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

/// The client is this program's own; its acts are in players.cpp.
void with_part(Stage& stage, const Cast& cast, std::vector<std::string> acts,
               const std::string& delay = "0.1")
{
    Player& server = cast.start_server(stage, delay);
    acts.insert(acts.begin(), "client");
    converse(stage, server, start_part(stage, 0, "a client", acts));
}

/// Without a server that was given both are this program's own: the lab's reads at once, and this
/// one waits until all has come.
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
std::size_t count_of_clients(const Stage& stage)
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
void many(Stage& stage, const Player& server,
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

constexpr char has_its_own_client[] =
    "its client does what no greeting client does, and is always the wire's own: give it a server";
constexpr char is_udp[] = "it is played over UDP, by the lab's lessons/udp_server and udp_client";

} // namespace

const std::vector<Scene> scenes = {
    {.name = "session",
     .shows = "a whole session, from the handshake to TIME_WAIT",
     .about = "connect returns when the second segment has come, accept when the third has; "
              "kernels send them.\n"
              "Each name acknowledges the answer before it; in the end FIN and ACK pass each way.",
     .section = "tutorial 3.1, 5; notebook",
     .play = session,
     .is_whole = true},
    {.name = "layers",
     .shows = "one packet unfolded",
     .about = "Three bytes of data travel in 69: each layer has put its header before what it was "
              "given.\n"
              "The receiver takes them off again, in the other order. That is encapsulation.",
     .section = "tutorial 1.1 to 1.3",
     .play = session,
     .is_whole = true,
     .has_ladder = false,
     .unfolds = {{"The segment that carries \"Yam\":", is_name}}},
    {.name = "arp",
     .shows = "two hosts on a virtual wire: who has this address?",
     .about = "Before the first segment can leave, the client's machine asks everybody for the "
              "card with that\n"
              "IP address. The answer is a MAC address, and it stands in the frame's link header.",
     .section = "tutorial 1.2, 2",
     .play = two_hosts,
     .hosts = 2,
     .takes = Scene::Takes::none,
     .why_not = "it joins two hosts, and its server has to listen on another address",
     .unfolds = {{"The question:", is_question},
                 {"The segment that carries \"Yam\":", is_name, 4}}},
    {.name = "refused",
     .shows = "a closed port",
     .about = "Nobody listens, and the server's kernel says so at once, with RST.\n"
              "connect returns the reason: Connection refused.",
     .section = "tutorial 5, note 1",
     .play = refused,
     .takes = Scene::Takes::client,
     .why_not = "it has no server: give it a client"},
    {.name = "lost-syn",
     .shows = "the handshake's first segment is lost",
     .about = "Nothing comes back, and after a second the client's kernel sends the same segment "
              "again.\n"
              "The program notices only that connect took longer.",
     .section = "tutorial 3.1",
     .play = lost_syn},
    {.name = "full",
     .shows = "the backlog is full",
     .about =
         "One client is served, one waits in the backlog, and the third one's SYN is thrown away.\n"
         "It looks as if it had been lost, and is repeated after a second.",
     .section = "tutorial 3.1; notebook, listen",
     .play = full,
     .takes = Scene::Takes::none,
     .why_not = "it needs a server with --max-clients and --backlog"},
    {.name = "lost-data",
     .shows = "a data segment is lost",
     .about = "Nobody acknowledges the answer, so that the server's kernel sends it again.\n"
              "Both programs make the same calls as ever; the client's recv takes longer.",
     .section = "tutorial 3",
     .play = lost_data},
    {.name = "stream",
     .shows = "5,000 bytes in one send",
     .about = "One send becomes four segments, as large as an Ethernet frame allows.\n"
              "recv(1024) takes them in pieces that are neither the send nor the segments.",
     .section = "tutorial 1.3, 3",
     .play =
         [](Stage& stage, const Cast& cast) {
             make_like_ethernet("lo");
             sends_much(stage, cast, {"long"});
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "joined",
     .shows = "three sends received as one",
     .about = "Each send leaves as a segment of its own, and one recv returns them all.\n"
              "TCP carries bytes, not messages: nothing tells where one ended.",
     .section = "tutorial 3",
     .play =
         [](Stage& stage, const Cast& cast) {
             sends_much(stage, cast, {"send:Yam", "send:May", "send:Sarah"});
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "pieces",
     .shows = "a name arrives in pieces",
     .about = "The client sends Ya and, a moment later, m. For the server these are two messages:\n"
              "recv returns what has come, and nothing says that more belongs to it.",
     .section = "tutorial 3",
     .play =
         [](Stage& stage, const Cast& cast) {
             with_part(stage, cast,
                       {"connect", "hear", "send:Ya", "taken", "send:m", "end", "drain"}, "0.5");
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "many",
     .shows = "three clients at once, with a thread for each and without",
     .about = "With a thread for each client, all three pauses pass at the same time.\n"
              "Without, the second client is connected, and served when the first one has gone.",
     .section = "tutorial 4.2; notebook",
     .play = side_by_side,
     .is_about_the_server = true,
     .beside = in_turn},
    {.name = "half-close",
     .shows = "one direction ends, the other goes on",
     .about = "shutdown sends a FIN, and the client can still receive: its answer comes after it.\n"
              "Each direction of a connection ends by itself.",
     .section = "notebook, recv until the end",
     .play =
         [](Stage& stage, const Cast& cast) {
             with_part(stage, cast, {"connect", "hear", "send:Yam", "end", "drain"});
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "killed",
     .shows = "a client is killed in the middle",
     .about = "The program is gone, and its kernel sends the FIN all the same.\n"
              "The server still answers; nobody is there to take it, and RST says so.",
     .section = "tutorial 5, note 9",
     .play = killed,
     .is_about_the_server = true},
    {.name = "reset",
     .shows = "closed with bytes unread",
     .about = "The client closes, and has not read the welcome: RST goes out where FIN is usual.\n"
              "It means that data was lost, and the server's recv fails.",
     .section = "tutorial 5, note 8",
     .play =
         [](Stage& stage, const Cast& cast) {
             with_part(stage, cast, {"connect", "arrived"});
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "udp",
     .shows = "the greeting over datagrams",
     .about = "No handshake, no acknowledgement, no end: each datagram stands alone.\n"
              "sendto says each time where it goes to, and recvfrom where it came from.",
     .section = "tutorial 1.2, 5 (note 4), 6",
     .play = udp,
     .takes = Scene::Takes::none,
     .why_not = is_udp,
     .has_states = false},
    {.name = "udp-refused",
     .shows = "a datagram to a closed port",
     .about =
         "The answer is not RST, which is TCP's, but an ICMP message.\n"
         "The client does not hear of it: its socket is connected to nobody, so recvfrom waits.",
     .section = "tutorial 6",
     .play = udp_refused,
     .takes = Scene::Takes::none,
     .why_not = is_udp,
     .has_states = false},
};
