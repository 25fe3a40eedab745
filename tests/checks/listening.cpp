// listening.cpp: whether the server can be connected to, and if not, why.
#include "talk.hpp"
#include "tests/watch/process.hpp"
#include "tests/watch/text.hpp"

namespace lab
{
namespace
{

Sentence where_it_listens(Server& server)
{
    Sentence text;
    for (const ListeningSocket& socket : listening_sockets_of(server.pid())) {
        text += text.empty() ? "" : ", ";
        text += fill(socket.datagrams ? "UDP {address} port {port}" : "{address} port {port}",
                     {{"address", socket.address}, {"port", std::to_string(socket.port)}});
    }
    return text;
}

Sentence why_not_listening(Server& server)
{
    for (const ListeningSocket& socket : listening_sockets_of(server.pid())) {
        if (socket.datagrams) {
            return "Its socket is for datagrams (SOCK_DGRAM, UDP). TCP takes SOCK_STREAM.";
        }
        if (const Sentence found = diagnose_port(server.port(), socket.port); !found.empty()) {
            return found;
        }
        if (socket.address == "::1" && socket.port == server.port()) {
            return "It listens on ::1 only, which is IPv6: the notebook's address is 127.0.0.1, "
                   "AF_INET.";
        }
        if (socket.port != server.port()) {
            return "It listens on another port. If the system chose that port, bind was not called "
                   "before listen, or it failed and nobody looked at its result, or it was given "
                   "port 0 (which htonl makes of a port, where htons is meant).";
        }
        if (socket.address != "127.0.0.1" && socket.address != "0.0.0.0" &&
            socket.address != "::") {
            return "It listens on an address of this machine that is not 127.0.0.1.";
        }
    }
    return "";
}

} // namespace

testing::AssertionResult Talk::is_connected()
{
    if (peer_) {
        return testing::AssertionSuccess();
    }
    Finding finding;
    finding.expected =
        fill("a TCP server on 127.0.0.1 port {port}", {{"port", std::to_string(server_.port())}});
    const Sentence found = where_it_listens(server_);
    finding.received =
        found.empty() ? "no listening socket" : fill("a socket on {places}", {{"places", found}});
    finding.diagnosis = why_not_listening(server_);
    finding.look_at = server_.has_ended() && contains(server_.out(), "Waiting for connection...")
                          ? step::accept
                          : step::socket;
    finding.by_hand = "ss -ltnp, or: nc -v 127.0.0.1 9999";
    return not_yet(server_, "server", finding, departure());
}

} // namespace lab
