// server.cpp: the notebook's greeting server, a thread for each client, in the
// notebook's steps. Its counterpart is client.cpp. common.hpp says where what
// is not in the notebook is explained.
#include "common.hpp"

struct Options { // the notebook's values; the backlog is the tutorial's
    std::string host = "127.0.0.1";
    int port = 9999;
    Seconds delay{1};
    int backlog = 128;
    int max_clients = 1000;
    Seconds idle_timeout{0};
};
void tcplink(Client sock, const std::string& addr, Seconds delay);

void serve(const Options& options)
{
    // Step 1: create the socket. (127.0.0.1 makes it AF_INET.)
    const Address address = resolve(options.host, options.port).front();
    Socket s(address.family(), SOCK_STREAM);

    // Step 2: bind it to address and port. (A restart gets them back at once.)
    s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    s.bind(address);

    // Step 3: listen.
    s.listen(options.backlog);
    // Counts the clients. From here on Ctrl-C ends nothing by itself: it makes
    // stopping() true, and s.accept() fail.
    Clients clients(s, options.max_clients, options.idle_timeout);
    log("Listening on ", s.name(), ". Ctrl-C stops the server."); // on stderr
    print("Waiting for connection...");

    // Step 4: accept one client after another, and serve each in a thread of
    // its own. A std::thread starts as soon as it is made, so there is no
    // t.start(); what it is given, it copies or takes over.
    while (!clients.stopping()) {
        try {
            clients.wait_for_room();
            auto [sock, addr] = s.accept();
            Client client = clients.add(std::move(sock)); // hands sock over
            std::thread t(tcplink, std::move(client), addr, options.delay);
            t.detach(); // else t's destructor, at the }, ends the program
        } catch (const std::exception& error) {
            // Too many sockets or threads: waits a second. Or Ctrl-C: does not.
            clients.wait_after(error);
        }
    }
    clients.finish(options.delay); // waits about so long for last answers
}

/// One client's thread, from its welcome to its end.
void tcplink(Client sock, const std::string& addr, Seconds delay)
{
    print("Accept new connection from ", addr, "...");
    try {
        sock.send("Welcome!");
        while (true) {
            const std::string data = sock.recv(1024);
            std::this_thread::sleep_for(delay);
            if (data.empty() || data == "exit") { // empty: it has closed
                break;
            }
            sock.send("Hello, " + data + "!");
        }
    } catch (const std::exception& error) { // the end of this client only
        log("Closing the connection from ", addr, ": ", error.what(), ".");
    }
    sock.close();
    print("Connection from ", addr, " closed.");
}

Options parse(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: ./server [OPTION...]
The notebook's greeting server: Welcome!, then Hello, NAME! for each name,
until exit.

  --host ADDRESS          address to listen on, a number or a name  (127.0.0.1)
  --port N                port; 0 lets the system choose one        (9999)
  --delay SECONDS         pause before each answer                  (1)
  --backlog N             connections that may wait to be accepted  (128)
  --max-clients N         clients served at the same time           (1000)
  --idle-timeout SECONDS  close a client that is silent so long     (0: never)
  --help                  print this help
)";
    const CommandLine given(
        argc, argv, usage,
        {"host", "port", "delay", "backlog", "max-clients", "idle-timeout"});
    given.operands(0); // throws if there is anything but options
    Options options;   // below: name, default, least and greatest value
    options.host = given.text("host", options.host);
    options.port = given.number("port", options.port, 0, 65535);
    options.delay = given.seconds("delay", options.delay);
    options.backlog = given.number("backlog", options.backlog, 0);
    options.max_clients = given.number("max-clients", options.max_clients, 1);
    options.idle_timeout = given.seconds("idle-timeout", options.idle_timeout);
    return options;
}

int main(int argc, char* argv[])
{
    try {
        serve(parse(argc, argv));
    } catch (const std::exception& error) {
        return report(error);
    }
}
