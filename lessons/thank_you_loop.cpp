// thank_you_loop.cpp: the tutorial's second server (4.2). Two loops: one client
// after another, and of each client one message after another. While it serves
// one, the next waits; server.cpp, with a thread for each, is the step after
// this.
#include "gbk.hpp"
#include "plain_server.hpp"

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
    log("Listening on ", tcp_server.name(), ". Ctrl-C stops the server.");

    while (true) { // one client after another
        // 4. Wait for a client.
        print("Waiting for a new client");
        auto [client, client_address] = tcp_server.accept();
        print("A new client has arrived");

        try {
            while (true) { // one message after another
                // 5. Receive and send.
                const std::string data = client.recv(1024);
                if (data.empty()) { // the client has closed
                    break;
                }
                print("Received: ", visible(from_gbk(data)));
                client.send("Thank You!");
            }
        } catch (const std::system_error& error) { // ends this client only
            log(error.what(), ".");
        }

        // 6. Close this client's socket.
        client.close();
        print("The client has closed");
    }
}

int main(int argc, char* argv[])
{
    constexpr char usage[] =
        R"(Usage: lessons/thank_you_loop [--host ADDRESS (0.0.0.0)]
                              [--port N (7788)]
Serves one client after another: prints what it sends and answers Thank You!
until it closes. Ctrl-C stops the server.
)";
    try {
        const CommandLine given(argc, argv, usage, {"host", "port"});
        given.operands(0);
        serve_until_ctrl_c();
        serve(given.text("host", "0.0.0.0"),
              given.number("port", 7788, 0, 65535));
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
