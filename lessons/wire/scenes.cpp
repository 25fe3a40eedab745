#include "scenes.hpp"
#include "loss.hpp"

#include <algorithm>

namespace
{

Player& start_server(Stage& stage, std::vector<std::string> options)
{
    options.insert(options.begin(), "server");
    Player& server = stage.start(1, "./server", std::move(options));
    stage.watch_until_waits_in(server, "accept");
    return server;
}

/// Watches until this server has closed so many connections.
void until_closed(Stage& stage, int connections = 1)
{
    stage.watch_until("the server closes", [&] {
        return std::count_if(stage.calls.begin(), stage.calls.end(), [&](const WireCall& call) {
                   return call.pid == stage.players.front().pid && call.has_returned &&
                          call.name == std::string_view("close");
               }) >= connections;
    });
}

bool is_name(const Packet& packet) { return packet.to == port && packet.payload() == "\"Yam\""; }
bool is_question(const Packet& packet) { return packet.kind == Packet::Kind::arp; }
bool is_answer(const Packet& packet) { return packet.from == port && packet.length > 8; }

void session(Stage& stage)
{
    start_server(stage, {"--delay", "0.1"});
    stage.watch_until_ends(stage.start(0, "./client", {"client"}));
    until_closed(stage);
}

void two_hosts(Stage& stage)
{
    start_server(stage, {"--delay", "0.1", "--host", "10.0.0.2"});
    stage.watch_until_ends(stage.start(0, "./client", {"client", "--host", "10.0.0.2", "Yam"}));
    until_closed(stage);
}

void refused(Stage& stage) { stage.watch_until_ends(stage.start(0, "./client", {"client"})); }

void lost_syn(Stage& stage)
{
    Player& server = start_server(stage, {"--delay", "0.1"});
    Loss loss(stage, server, stage.descriptor_of(server, "listen"));
    Player& client = stage.start(0, "./client", {"client", "Yam"});
    loss.until([](const Packet& packet) { return packet.has('S'); });
    stage.watch_until_ends(client);
    until_closed(stage);
}

void full(Stage& stage)
{
    start_server(stage, {"--max-clients", "1", "--backlog", "0", "--delay", "0.2"});
    std::vector<Player*> clients;
    for (int number = 1; number <= 3; ++number) {
        clients.push_back(&stage.start(0, "./client " + std::to_string(number), {"client", "Yam"}));
        if (number < 3) { // its handshake is over
            stage.watch_until_waits_in(*clients.back(), "recv");
        }
    }
    until_closed(stage, 3);
}

void lost_data(Stage& stage)
{
    start_server(stage, {"--delay", "0.5"});
    Player& client = stage.start(0, "./client", {"client", "Yam"});
    stage.watch_until("the name is acknowledged", [&] {
        bool is_sent = false;
        return stage.has_seen([&](const Packet& packet) {
            is_sent = is_sent || is_name(packet);
            return is_sent && packet.from == port;
        });
    });
    Loss(stage, client, stage.descriptor_of(client, "recv")).until(is_answer);
    until_closed(stage);
}

void killed(Stage& stage)
{
    start_server(stage, {"--delay", "0.2"});
    Player& client = stage.start(0, "./client", {"client"});
    stage.watch_until("the name is sent", [&] { return stage.has_seen(is_name); });
    stage.watch_until_quiet(Seconds(0.06));
    stage.note(client, "kill -9");
    Stage::stop(client);
    stage.watch_until("the answer meets nobody", [&] {
        return stage.has_seen([](const Packet& packet) { return packet.has('R'); });
    });
    until_closed(stage);
}

void with_player(Stage& stage, const std::string& name)
{
    start_server(stage, {"--delay", "0.1"});
    stage.watch_until_ends(stage.start(0, "a client", {"--player", name}));
    until_closed(stage);
}

/// Both programs are this one's own: the lab's server reads at once, and these wait.
void pair_of_players(Stage& stage, const std::string& name)
{
    Player& server = stage.start(1, "a server", {"--player", name + "-server"});
    stage.watch_until_waits_in(server, "accept");
    stage.watch_until_ends(stage.start(0, "a client", {"--player", name + "-client"}));
    stage.watch_until_ends(server);
}

void stream(Stage& stage)
{
    make_like_ethernet("lo");
    pair_of_players(stage, "stream");
}

void udp(Stage& stage)
{
    Player& server = stage.start(1, "lessons/udp_server", {"lessons/udp_server"});
    stage.watch_until_waits_in(server, "recvfrom");
    stage.watch_until_ends(stage.start(0, "lessons/udp_client", {"lessons/udp_client"}));
}

void udp_refused(Stage& stage)
{
    stage.watch_until_ends(
        stage.start(0, "lessons/udp_client", {"lessons/udp_client", "--timeout", "1", "Yam"}));
}

} // namespace

const std::vector<Scene> scenes = {
    {.name = "session",
     .shows = "a whole session, from the handshake to TIME_WAIT",
     .about = "connect returns when the second segment has come, accept when the third has; "
              "kernels send them.\n"
              "Each name acknowledges the answer before it; in the end FIN and ACK pass each way.",
     .section = "tutorial 3.1, 5; notebook",
     .play = session},
    {.name = "layers",
     .shows = "one packet unfolded",
     .about = "Three bytes of data travel in 69: each layer has put its header before what it was "
              "given.\n"
              "The receiver takes them off again, in the other order. That is encapsulation.",
     .section = "tutorial 1.1 to 1.3",
     .play = session,
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
     .unfolds = {{"The question:", is_question},
                 {"The segment that carries \"Yam\":", is_name, 4}}},
    {.name = "refused",
     .shows = "a closed port",
     .about = "Nobody listens, and the server's kernel says so at once, with RST.\n"
              "connect returns the reason: Connection refused.",
     .section = "tutorial 5, note 1",
     .play = refused},
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
     .play = full},
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
     .play = stream},
    {.name = "joined",
     .shows = "three sends received as one",
     .about = "Each send leaves as a segment of its own, and one recv returns them all.\n"
              "TCP carries bytes, not messages: nothing tells where one ended.",
     .section = "tutorial 3",
     .play = [](Stage& stage) { pair_of_players(stage, "joined"); }},
    {.name = "half-close",
     .shows = "one direction ends, the other goes on",
     .about = "shutdown sends a FIN, and the client can still receive: its answer comes after it.\n"
              "Each direction of a connection ends by itself.",
     .section = "notebook, recv until the end",
     .play = [](Stage& stage) { with_player(stage, "half-close"); }},
    {.name = "killed",
     .shows = "a client is killed in the middle",
     .about = "The program is gone, and its kernel sends the FIN all the same.\n"
              "The server still answers; nobody is there to take it, and RST says so.",
     .section = "tutorial 5, note 9",
     .play = killed},
    {.name = "reset",
     .shows = "closed with bytes unread",
     .about = "The client closes, and has not read the welcome: RST goes out where FIN is usual.\n"
              "It means that data was lost, and the server's recv fails.",
     .section = "tutorial 5, note 8",
     .play = [](Stage& stage) { with_player(stage, "reset"); }},
    {.name = "udp",
     .shows = "the greeting over datagrams",
     .about = "No handshake, no acknowledgement, no end: each datagram stands alone.\n"
              "sendto says each time where it goes to, and recvfrom where it came from.",
     .section = "tutorial 1.2, 5 (note 4), 6",
     .play = udp,
     .has_states = false},
    {.name = "udp-refused",
     .shows = "a datagram to a closed port",
     .about =
         "The answer is not RST, which is TCP's, but an ICMP message.\n"
         "The client does not hear of it: its socket is connected to nobody, so recvfrom waits.",
     .section = "tutorial 6",
     .play = udp_refused,
     .has_states = false},
};
