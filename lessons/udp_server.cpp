// udp_server.cpp: the greeting over datagrams (tutorial, 6). No listen, no
// accept, no thread: every datagram says whom it is from, and the answer goes
// there. Its counterpart is udp_client.cpp.
#include "datagram.hpp"
#include "plain_server.hpp"

void serve(const std::string& host, int port)
{
    // 1. Create the socket.
    const Address address = resolve(host, port, SOCK_DGRAM).front();
    Socket s(address.family(), SOCK_DGRAM);

    // 2. Bind it: this is where clients send to.
    s.bind(address);
    print("Bound to ", s.name());
    log("Ctrl-C stops the server.");

    // 3. Receive from anyone, and answer.
    while (true) {
        const Datagram datagram = recvfrom(s);
        try {
            print("Received from ", datagram.from.str());
            if (datagram.is_cut) {
                log("warning: the datagram was longer than 1024 bytes; the "
                    "rest of it is lost.");
            }
            sendto(s, "Hello, " + datagram.data + "!", datagram.from);
        } catch (const std::system_error& error) { // it could not be sent
            log(error.what(), ".");
        }
    }
}

int main(int argc, char* argv[])
{
    constexpr char usage[] =
        R"(Usage: lessons/udp_server [--host ADDRESS (127.0.0.1)]
                          [--port N (9999)]
Answers every datagram with Hello, NAME! Ctrl-C stops the server.
)";
    try {
        const CommandLine given(argc, argv, usage, {"host", "port"});
        given.operands(0);
        serve_until_ctrl_c();
        serve(given.text("host", "127.0.0.1"),
              given.number("port", 9999, 0, 65535));
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
