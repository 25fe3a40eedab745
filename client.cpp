// client.cpp: the notebook's greeting client, its step 5. Its counterpart is
// server.cpp.
#include "common.hpp"

struct Options { // the notebook's values; the notebook waits forever
    std::string host = "127.0.0.1";
    int port = 9999;
    Seconds timeout{10};
    std::vector<std::string> names = {"Yam", "May", "Sarah"};
};
std::string receive(const Socket& s, const std::string& expected);

void greet(const Options& options)
{
    Names names(options.names); // an empty or too long one ends the program

    // Step 5: create a socket. (127.0.0.1 makes it AF_INET.)
    const auto addresses = resolve(options.host, options.port);
    Socket s(addresses.front().family(), SOCK_STREAM);

    // Connect it to the server. (If one address fails, s is made anew.)
    s.settimeout(options.timeout);
    s.connect(addresses);

    // Receive the welcome.
    print(receive(s, "Welcome!"));

    // Send each name, and receive its greeting.
    std::string name;
    while (names.next(name)) { // like std::getline
        s.send(name);
        print(receive(s, "Hello, " + name + "!"));
    }

    // Say good-bye, and close.
    s.send("exit");
    s.close();
}

/// The notebook's s.recv(1024), which takes what is there for the answer. TCP
/// may deliver it in pieces; this client knows how long it is, and receives
/// until all of it is there. Throws if the server closes first or says
/// something else. visible() shows control characters as text.
std::string receive(const Socket& s, const std::string& expected)
{
    std::string answer;
    while (answer.size() < expected.size() && expected.starts_with(answer)) {
        const std::string data = s.recv(expected.size() - answer.size());
        if (data.empty()) {
            throw std::runtime_error(
                s.name() + " closed the connection after \"" + visible(answer) +
                "\", where \"" + visible(expected) +
                "\" was expected. Is it the greeting server?");
        }
        answer += data;
    }
    if (answer != expected) {
        throw std::runtime_error(s.name() + " answered \"" + visible(answer) +
                                 "\", where \"" + visible(expected) +
                                 "\" was expected. Is it the greeting server?");
    }
    return visible(answer);
}

Options parse(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: ./client [OPTION...] [NAME...]
The notebook's greeting client: prints the server's welcome and its greeting of
each NAME (Yam May Sarah). A single - reads the names from standard input, one
a line.

  --host HOST        the server's address, a number or a name     (127.0.0.1)
  --port N           the server's port                            (9999)
  --timeout SECONDS  how long to wait for the server; 0: forever  (10)
  --help             print this help
)";
    const CommandLine given(argc, argv, usage, {"host", "port", "timeout"});
    Options options; // below: name, default, least and greatest value
    options.host = given.text("host", options.host);
    options.port = given.number("port", options.port, 1, 65535);
    options.timeout = given.seconds("timeout", options.timeout);
    if (!given.operands().empty()) {
        options.names = given.operands();
    }
    return options;
}

int main(int argc, char* argv[])
{
    try {
        greet(parse(argc, argv));
    } catch (const std::exception& error) {
        return report(error);
    }
}
