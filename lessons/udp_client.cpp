// udp_client.cpp: the greeting over datagrams (tutorial, 6). It does not connect and need not bind; it just sends.
// Nobody promises that a datagram, or its answer, arrives. Its counterpart is udp_server.cpp.
#include "../common.hpp"

namespace
{

/// Waits for a datagram from the server. Anyone may send one to this socket; what others send is passed over.
Datagram answer_from(const Address& server, Socket& s, Seconds timeout)
{
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    try {
        for (;;) {
            const Seconds left = deadline - std::chrono::steady_clock::now();
            s.settimeout(timeout > Seconds(0) ? std::max(left, Seconds(1e-6)) : Seconds(0)); // 0 is for ever
            Datagram datagram = s.recvfrom();
            if (datagram.from == server) {
                return datagram;
            }
        }
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::timed_out) {
            throw;
        }
        throw std::runtime_error(
            "No answer from " + server.str() + " in time. The datagram or its answer was lost, " +
            "or no server is there: UDP does not tell. --timeout says how long to wait.");
    }
}

} // namespace

int main(int argc, char* argv[])
try {
    constexpr char usage[] = "Usage: lessons/udp_client [--host HOST (127.0.0.1)] [--port N (9999)]\n"
                             "                          [--timeout SECONDS (10)] [NAME...]\n"
                             "Sends each NAME (Yam May Sarah) in a datagram and prints the answer.\n";
    std::string host = "127.0.0.1";
    int port = 9999;
    Seconds timeout{10};
    auto names = parse_options(argc, argv, usage,
                               {{"host", [&](const Value& value) { host = value.text(); }},
                                {"port", [&](const Value& value) { port = value.port(1); }},
                                {"timeout", [&](const Value& value) { timeout = value.seconds(); }}});
    if (names.empty()) {
        names = {"Yam", "May", "Sarah"};
    }

    const Address server = resolve(host, port, SOCK_DGRAM).front();
    Socket s(server.family(), SOCK_DGRAM); // 1. Create the socket.
    for (const std::string& name : names) {
        s.sendto(name, server); // 2. Send, and receive the answer.
        const Datagram answer = answer_from(server, s, timeout);
        if (answer.is_cut) {
            std::cerr << "The answer was longer than 1024 bytes; the rest of it is lost.\n";
        }
        print_line(visible(answer.data));
    }
    s.close(); // 3. Close.
    return 0;
} catch (const std::exception& error) {
    return report(error);
}
