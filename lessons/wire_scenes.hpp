// wire_scenes.hpp: the scenes that lessons/wire plays, in the tutorial's order. Each is a function:
// who starts when, and what is lost. What is not the lab's server or client is a player, below.
#pragma once

#include "../common.hpp"
#include "wire_stage.hpp"

constexpr int port = 9999; ///< the server's: nobody else is in this network

inline Player& start_server(Stage& stage, std::vector<std::string> options)
{
    options.insert(options.begin(), "server");
    Player& server = stage.start(1, "./server", std::move(options));
    stage.watch_until_waits_in(server, "accept");
    return server;
}

/// Watches until this server has closed so many connections.
inline void until_closed(Stage& stage, int connections = 1)
{
    stage.watch_until("the server closes", [&] {
        return std::count_if(stage.calls.begin(), stage.calls.end(), [&](const WireCall& call) {
                   return call.pid == stage.players.front().pid && call.has_returned &&
                          call.name == std::string_view("close");
               }) >= connections;
    });
}

inline bool is_name(const Packet& packet)
{
    return packet.to == port && packet.payload() == "\"Yam\"";
}
inline bool is_answer(const Packet& packet) { return packet.from == port && packet.length > 8; }

inline void session(Stage& stage)
{
    start_server(stage, {"--delay", "0.1"});
    stage.watch_until_ends(stage.start(0, "./client", {"client"}));
    until_closed(stage);
}

inline void two_hosts(Stage& stage)
{
    start_server(stage, {"--delay", "0.1", "--host", "10.0.0.2"});
    stage.watch_until_ends(stage.start(0, "./client", {"client", "--host", "10.0.0.2", "Yam"}));
    until_closed(stage);
}

inline void refused(Stage& stage)
{
    stage.watch_until_ends(stage.start(0, "./client", {"client"}));
}

inline void lost_syn(Stage& stage)
{
    Player& server = start_server(stage, {"--delay", "0.1"});
    Loss loss(stage, server, stage.descriptor_of(server, "listen"));
    Player& client = stage.start(0, "./client", {"client", "Yam"});
    loss.until([](const Packet& packet) { return packet.has('S'); });
    stage.watch_until_ends(client);
    until_closed(stage);
}

inline void full(Stage& stage)
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

inline void lost_data(Stage& stage)
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

inline void killed(Stage& stage)
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

inline void with_player(Stage& stage, const std::string& name)
{
    start_server(stage, {"--delay", "0.1"});
    stage.watch_until_ends(stage.start(0, "a client", {"--player", name}));
    until_closed(stage);
}

/// Both programs are this one's own: the lab's server reads at once, and these wait.
inline void pair_of_players(Stage& stage, const std::string& name)
{
    Player& server = stage.start(1, "a server", {"--player", name + "-server"});
    stage.watch_until_waits_in(server, "accept");
    stage.watch_until_ends(stage.start(0, "a client", {"--player", name + "-client"}));
    stage.watch_until_ends(server);
}

inline void stream(Stage& stage)
{
    make_like_ethernet("lo");
    pair_of_players(stage, "stream");
}

inline void udp(Stage& stage)
{
    Player& server = stage.start(1, "lessons/udp_server", {"lessons/udp_server"});
    stage.watch_until_waits_in(server, "recvfrom");
    stage.watch_until_ends(stage.start(0, "lessons/udp_client", {"lessons/udp_client"}));
}

inline void udp_refused(Stage& stage)
{
    stage.watch_until_ends(
        stage.start(0, "lessons/udp_client", {"lessons/udp_client", "--timeout", "1", "Yam"}));
}

struct Scene {
    const char* name;
    const char* shows; ///< what is to be seen, in a few words
    const char* about; ///< two sentences: what to look for
    const char* section;
    void (*play)(Stage&);
    int hosts = 1;
};

inline const std::vector<Scene> scenes = {
    {"session", "a whole session, from the handshake to TIME_WAIT",
     "connect returns when the second segment has come, accept when the third has; kernels send "
     "them.\n"
     "Each name acknowledges the answer before it; in the end FIN and ACK pass each way.",
     "tutorial 3.1, 5; notebook", session},
    {"layers", "one packet unfolded",
     "Three bytes of data travel in 69: each layer has put its header before what it was given.\n"
     "The receiver takes them off again, in the other order. That is encapsulation.",
     "tutorial 1.1 to 1.3", session},
    {"arp", "two hosts on a virtual wire: who has this address?",
     "Before the first segment can leave, the client's machine asks everybody for the card with "
     "that\n"
     "IP address. The answer is a MAC address, and it stands in the frame's link header.",
     "tutorial 1.2, 2", two_hosts, 2},
    {"refused", "a closed port",
     "Nobody listens, and the server's kernel says so at once, with RST.\n"
     "connect returns the reason: Connection refused.",
     "tutorial 5, note 1", refused},
    {"lost-syn", "the handshake's first segment is lost",
     "Nothing comes back, and after a second the client's kernel sends the same segment again.\n"
     "The program notices only that connect took longer.",
     "tutorial 3.1", lost_syn},
    {"full", "the backlog is full",
     "One client is served, one waits in the backlog, and the third one's SYN is thrown away.\n"
     "It looks as if it had been lost, and is repeated after a second.",
     "tutorial 3.1; notebook, listen", full},
    {"lost-data", "a data segment is lost",
     "Nobody acknowledges the answer, so that the server's kernel sends it again.\n"
     "Both programs make the same calls as ever; the client's recv takes longer.",
     "tutorial 3", lost_data},
    {"stream", "5,000 bytes in one send",
     "One send becomes four segments, as large as an Ethernet frame allows.\n"
     "recv(1024) takes them in pieces that are neither the send nor the segments.",
     "tutorial 1.3, 3", stream},
    {"joined", "three sends received as one",
     "Each send leaves as a segment of its own, and one recv returns them all.\n"
     "TCP carries bytes, not messages: nothing tells where one ended.",
     "tutorial 3", [](Stage& stage) { pair_of_players(stage, "joined"); }},
    {"half-close", "one direction ends, the other goes on",
     "shutdown sends a FIN, and the client can still receive: its answer comes after it.\n"
     "Each direction of a connection ends by itself.",
     "notebook, recv until the end", [](Stage& stage) { with_player(stage, "half-close"); }},
    {"killed", "a client is killed in the middle",
     "The program is gone, and its kernel sends the FIN all the same.\n"
     "The server still answers; nobody is there to take it, and RST says so.",
     "tutorial 5, note 9", killed},
    {"reset", "closed with bytes unread",
     "The client closes, and has not read the welcome: RST goes out where FIN is usual.\n"
     "It means that data was lost, and the server's recv fails.",
     "tutorial 5, note 8", [](Stage& stage) { with_player(stage, "reset"); }},
    {"udp", "the greeting over datagrams",
     "No handshake, no acknowledgement, no end: each datagram stands alone.\n"
     "sendto says each time where it goes to, and recvfrom where it came from.",
     "tutorial 1.2, 5 (note 4), 6", udp},
    {"udp-refused", "a datagram to a closed port",
     "The answer is not RST, which is TCP's, but an ICMP message.\n"
     "The client does not hear of it: its socket is connected to nobody, so recvfrom waits.",
     "tutorial 6", udp_refused},
};

// ---- The players --------------------------------------------------------------------------------

/// What a program does that this one starts for a scene. False if there is no such player.
inline bool act(const std::string& player)
{
    const Address address = resolve("127.0.0.1", port).front();
    Socket s(AF_INET, SOCK_STREAM);
    const auto pause = [] { ::usleep(50'000); };
    if (player.ends_with("-server")) {
        s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
        s.bind(address);
        s.listen(5);
        const auto [sock, name] = s.accept();
        pause(); // all that the client sends arrives meanwhile
        while (!sock.recv(1024).empty()) {
        }
        return true;
    }
    s.connect(address);
    if (player == "stream-client") {
        s.send(std::string(5000, 'x'));
    } else if (player == "joined-client") {
        s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1); // do not wait, so that each send is a segment
        for (const char* name : {"Yam", "May", "Sarah"}) {
            s.send(name);
        }
    } else if (player == "half-close") {
        s.recv(1024);
        s.send("Yam");
        ::shutdown(s.fileno(), SHUT_WR);
        while (!s.recv(1024).empty()) {
        }
    } else if (player == "reset") {
        pause(); // the welcome arrives
    } else {
        return false;
    }
    return true;
}
