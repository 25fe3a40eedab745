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
    finding.look_at = server_.has_ended() && contains(server_.out(), "Waiting for connection...")
                          ? step::accept
                          : step::socket;
    finding.by_hand = "ss -ltnp, or: nc -v 127.0.0.1 9999";
    return not_yet(server_, "server", finding, departure());
}

} // namespace lab
