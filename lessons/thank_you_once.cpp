// thank_you_once.cpp: the tutorial's first server (4.2). It serves one client, once, and ends.
// Its counterpart is ask_and_send.cpp; thank_you_loop.cpp is the next step.
#include "gbk.hpp"

int main(int argc, char* argv[])
try {
    constexpr char usage[] = "Usage: lessons/thank_you_once [--host ADDRESS (0.0.0.0)] [--port N (7788)]\n"
                             "Prints what one client sends, answers Thank You!, and ends.\n";
    std::string host = "0.0.0.0";
    int port = 7788;
    no_operands(parse_options(argc, argv, usage,
                              {{"host", [&](const Value& value) { host = value.text(); }},
                               {"port", [&](const Value& value) { port = value.port(); }}}));

    Socket tcp_server = first_that_works(resolve(host, port), [](const Address& address) {
        Socket tcp(address.family(), SOCK_STREAM);   // 1. Create the socket.
        tcp.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1); //    (so that a restart finds the port free)
        tcp.bind(address);                           // 2. Bind it to an address and a port.
        tcp.listen(128);                             // 3. Make it passive.
        return tcp;
    });
    std::cerr << "Listening on " + tcp_server.name() + ".\n";

    auto [client, client_address] = tcp_server.accept(); // 4. Wait for a client.

    const std::string data = client.recv(1024); // 5. Receive and send.
    print_line("Received: " + visible(from_gbk(data)));
    client.send("Thank You!");

    client.close(); // 6. Close both sockets.
    tcp_server.close();
    return 0;
} catch (const std::exception& error) {
    return report(error);
}
