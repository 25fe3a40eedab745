#include "scenes.hpp"
#include "plays.hpp"

namespace
{

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
     .play = plays::session,
     .is_whole = true},
    {.name = "layers",
     .shows = "one packet unfolded",
     .about = "Three bytes of data travel in 69: each layer has put its header before what it was "
              "given.\n"
              "The receiver takes them off again, in the other order. That is encapsulation.",
     .section = "tutorial 1.1 to 1.3",
     .play = plays::session,
     .is_whole = true,
     .has_ladder = false,
     .unfolds = {{"The segment that carries \"Yam\":", plays::is_name}}},
    {.name = "arp",
     .shows = "two hosts on a virtual wire: who has this address?",
     .about = "Before the first segment can leave, the client's machine asks everybody for the "
              "card with that\n"
              "IP address. The answer is a MAC address, and it stands in the frame's link header.",
     .section = "tutorial 1.2, 2",
     .play = plays::two_hosts,
     .hosts = 2,
     .takes = Scene::Takes::none,
     .why_not = "it joins two hosts, and its server has to listen on another address",
     .unfolds = {{"The question:", plays::is_question},
                 {"The segment that carries \"Yam\":", plays::is_name, 4}}},
    {.name = "refused",
     .shows = "a closed port",
     .about = "Nobody listens, and the server's kernel says so at once, with RST.\n"
              "connect returns the reason: Connection refused.",
     .section = "tutorial 5, note 1",
     .play = plays::refused,
     .takes = Scene::Takes::client,
     .why_not = "it has no server: give it a client"},
    {.name = "lost-syn",
     .shows = "the handshake's first segment is lost",
     .about = "Nothing comes back, and after a second the client's kernel sends the same segment "
              "again.\n"
              "The program notices only that connect took longer.",
     .section = "tutorial 3.1",
     .play = plays::lost_syn},
    {.name = "full",
     .shows = "the backlog is full",
     .about =
         "One client is served, one waits in the backlog, and the third one's SYN is thrown away.\n"
         "It looks as if it had been lost, and is repeated after a second.",
     .section = "tutorial 3.1; notebook, listen",
     .play = plays::full,
     .takes = Scene::Takes::none,
     .why_not = "it needs a server with --max-clients and --backlog"},
    {.name = "lost-data",
     .shows = "a data segment is lost",
     .about = "Nobody acknowledges the answer, so that the server's kernel sends it again.\n"
              "Both programs make the same calls as ever; the client's recv takes longer.",
     .section = "tutorial 3",
     .play = plays::lost_data},
    {.name = "stream",
     .shows = "5,000 bytes in one send",
     .about = "One send becomes four segments, as large as an Ethernet frame allows.\n"
              "recv(1024) takes them in pieces that are neither the send nor the segments.",
     .section = "tutorial 1.3, 3",
     .play =
         [](Stage& stage, const Cast& cast) {
             make_like_ethernet("lo");
             plays::sends_much(stage, cast, {"long"});
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
             plays::sends_much(stage, cast, {"send:Yam", "send:May", "send:Sarah"});
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
             plays::with_part(stage, cast,
                              {"connect", "hear", "send:Ya", "taken", "send:m", "end", "drain"},
                              "0.5");
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "many",
     .shows = "three clients at once, with a thread for each and without",
     .about = "With a thread for each client, all three pauses pass at the same time.\n"
              "Without, the second client is connected, and served when the first one has gone.",
     .section = "tutorial 4.2; notebook",
     .play = plays::side_by_side,
     .is_about_the_server = true,
     .beside = plays::in_turn},
    {.name = "half-close",
     .shows = "one direction ends, the other goes on",
     .about = "shutdown sends a FIN, and the client can still receive: its answer comes after it.\n"
              "Each direction of a connection ends by itself.",
     .section = "notebook, recv until the end",
     .play =
         [](Stage& stage, const Cast& cast) {
             plays::with_part(stage, cast, {"connect", "hear", "send:Yam", "end", "drain"});
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "killed",
     .shows = "a client is killed in the middle",
     .about = "The program is gone, and its kernel sends the FIN all the same.\n"
              "The server still answers; nobody is there to take it, and RST says so.",
     .section = "tutorial 5, note 9",
     .play = plays::killed,
     .is_about_the_server = true},
    {.name = "reset",
     .shows = "closed with bytes unread",
     .about = "The client closes, and has not read the welcome: RST goes out where FIN is usual.\n"
              "It means that data was lost, and the server's recv fails.",
     .section = "tutorial 5, note 8",
     .play =
         [](Stage& stage, const Cast& cast) {
             plays::with_part(stage, cast, {"connect", "arrived"});
         },
     .takes = Scene::Takes::server,
     .why_not = has_its_own_client,
     .is_about_the_server = true},
    {.name = "udp",
     .shows = "the greeting over datagrams",
     .about = "No handshake, no acknowledgement, no end: each datagram stands alone.\n"
              "sendto says each time where it goes to, and recvfrom where it came from.",
     .section = "tutorial 1.2, 5 (note 4), 6",
     .play = plays::udp,
     .takes = Scene::Takes::none,
     .why_not = is_udp,
     .has_states = false},
    {.name = "udp-refused",
     .shows = "a datagram to a closed port",
     .about =
         "The answer is not RST, which is TCP's, but an ICMP message.\n"
         "The client does not hear of it: its socket is connected to nobody, so recvfrom waits.",
     .section = "tutorial 6",
     .play = plays::udp_refused,
     .takes = Scene::Takes::none,
     .why_not = is_udp,
     .has_states = false},
};
