// thank_you_loop.cpp: the tutorial's second server (4.2). Two loops: one client after another, and of each client one
// message after another. While it serves one, the next waits; server.cpp, a thread for each, is the step after this.
#include "gbk.hpp"

#include <csignal>

int main(int argc, char* argv[])
try {
    constexpr char usage[] = "Usage: lessons/thank_you_loop [--host ADDRESS (0.0.0.0)] [--port N (7788)]\n"
                             "Serves one client after another: prints what it sends and answers Thank You!\n"
                             "until it closes. Ctrl-C stops the server.\n";
    std::string host = "0.0.0.0";
    int port = 7788;
    no_operands(parse_options(argc, argv, usage,
                              {{"host", [&](const Value& value) { host = value.text(); }},
                               {"port", [&](const Value& value) { port = value.port(); }}}));
    end_on_ctrl_c();

    const Socket tcp_server = first_that_works(resolve(host, port), [](const Address& address) {
        Socket tcp(address.family(), SOCK_STREAM);   // 1. Create the socket.
        tcp.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1); //    (so that a restart finds the port free)
        tcp.bind(address);                           // 2. Bind it to an address and a port.
        tcp.listen(128);                             // 3. Make it passive.
        return tcp;
    });
    std::cerr << "Listening on " + tcp_server.name() + ". Ctrl-C stops the server.\n";

    while (true) { // one client after another
        std::cout << "Waiting for a new client" << std::endl;
        auto [client, client_address] = tcp_server.accept(); // 4. Wait for a client.
        std::cout << "A new client has arrived" << std::endl;
        try {
            while (true) {                                  // one message after another
                const std::string data = client.recv(1024); // 5. Receive and send.
                if (data.empty()) {
                    break;
                }
                std::cout << "Received: " + visible(from_gbk(data)) << std::endl;
                client.send("Thank You!");
            }
        } catch (const std::system_error& error) { // a reset ends this client, not the server
            report(error);
        }
        client.close(); // 6. Close this client's socket.
        std::cout << "The client has closed" << std::endl;
    }
} catch (const std::exception& error) {
    return report(error);
}
