// thank_you_once.cpp: the tutorial's first server (4.2). It serves one client,
// once, and ends. Its counterpart is ask_and_send.cpp; thank_you_loop.cpp is
// the next step.
#include "gbk.hpp"

void serve(const std::string& host, int port)
{
    // 1. Create the socket.
    const Address address = resolve(host, port).front();
    Socket tcp_server(address.family(), SOCK_STREAM);

    // 2. Bind it to an address and a port. (After a restart, the port is free
    // at once.)
    tcp_server.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    tcp_server.bind(address);

    // 3. Make it passive.
    tcp_server.listen(128);
    log("Listening on ", tcp_server.name(), ".");

    // 4. Wait for a client.
    auto [client, client_address] = tcp_server.accept();

    // 5. Receive and send.
    const std::string data = client.recv(1024);
    print("Received: ", visible(from_gbk(data)));
    client.send("Thank You!");

    // 6. Close both sockets.
    tcp_server.close();
    client.close();
}

int main(int argc, char* argv[])
{
    constexpr char usage[] =
        R"(Usage: lessons/thank_you_once [--host ADDRESS (0.0.0.0)]
                              [--port N (7788)]
Prints what one client sends, answers Thank You!, and ends.
)";
    try {
        const CommandLine given(argc, argv, usage, {"host", "port"});
        given.operands(0);
        never_wait_for_the_screen();
        serve(given.text("host", "0.0.0.0"),
              given.number("port", 7788, 0, 65535));
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
