// udp_server.cpp: the greeting over datagrams (tutorial, 6). No listen, no accept, no thread: every datagram says whom
// it is from, and the answer goes there. Its counterpart is udp_client.cpp.
#include "../common.hpp"

int main(int argc, char* argv[])
try {
    constexpr char usage[] = "Usage: lessons/udp_server [--host ADDRESS (127.0.0.1)] [--port N (9999)]\n"
                             "Answers every datagram with Hello, NAME! Ctrl-C stops the server.\n";
    std::string host = "127.0.0.1";
    int port = 9999;
    no_operands(parse_options(argc, argv, usage,
                              {{"host", [&](const Value& value) { host = value.text(); }},
                               {"port", [&](const Value& value) { port = value.port(); }}}));
    end_on_ctrl_c();

    const Socket s = first_that_works(resolve(host, port, SOCK_DGRAM), [](const Address& address) {
        Socket udp(address.family(), SOCK_DGRAM); // 1. Create the socket.
        udp.bind(address);                        // 2. Bind it: this is where clients send to.
        return udp;
    });
    std::cout << "Bound to " + s.name() << std::endl;
    std::cerr << "Ctrl-C stops the server.\n";

    while (true) {
        try {
            const Datagram datagram = s.recvfrom(); // 3. Receive from anyone, and answer.
            std::cout << "Received from " + datagram.from.str() << std::endl;
            if (datagram.is_cut) {
                std::cerr << "The datagram was longer than 1024 bytes; the rest of it is lost.\n";
            }
            s.sendto("Hello, " + datagram.data + "!", datagram.from);
        } catch (const std::system_error& error) { // an answer that cannot be sent is its client's loss only
            report(error);
        }
    }
} catch (const std::exception& error) {
    return report(error);
}
