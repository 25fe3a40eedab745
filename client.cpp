// client.cpp: the notebook's greeting client, its step 5. Its counterpart is server.cpp.
#include "common.hpp"

#include <cstdio>
#include <deque>
#include <iostream>

struct Options { // the notebook's values; the notebook waits forever
    std::string host = "127.0.0.1";
    int port = 9999;
    Seconds timeout{10};
    std::deque<std::string> names = {"Yam", "May", "Sarah"};
    bool ask = false; ///< a person types the names, one at a time
};
bool next_name(Options& options, std::string& name);
std::string receive(const Socket& s, const std::string& expected);

void greet(Options options)
{
    // Step 5: create a socket.
    const auto addresses = resolve(options.host, options.port);
    Socket s(addresses.front().family(), SOCK_STREAM);

    // Connect it to the server.
    s.settimeout(options.timeout);
    s.connect(addresses);

    // Receive the welcome.
    print(receive(s, "Welcome!"));

    // Send each name, and receive its greeting.
    for (std::string name; next_name(options, name);) {
        s.send(name);
        print(receive(s, "Hello, " + name + "!"));
    }

    // Say good-bye, and close.
    s.send("exit");
    s.close();
}

/// The notebook's s.recv(1024), repeated until all of the answer is there, as TCP may deliver it in
/// pieces. Throws if the server closes first or says something else.
std::string receive(const Socket& s, const std::string& expected)
{
    std::string answer;
    const char* verb = " answered \"";
    while (answer.size() < expected.size() && expected.starts_with(answer)) {
        const std::string data = s.recv(expected.size() - answer.size());
        if (data.empty()) {
            verb = " closed the connection after \"";
            break;
        }
        answer += data;
    }
    if (answer != expected) {
        throw std::runtime_error(s.name() + verb + visible(answer) + "\", where \"" +
                                 visible(expected) + "\" was expected. Is it the greeting server?");
    }
    return visible(answer);
}

/// Why the server could not greet this name; empty if it can.
std::string objection(const std::string& name)
{
    if (name.empty()) {
        return "An empty name cannot be sent: TCP carries bytes, so the server would wait forever";
    }
    if (name.size() > 1024) {
        return "A name of " + std::to_string(name.size()) +
               " bytes is too long: the server receives 1024 at a time and greets it in pieces";
    }
    return name == "exit" ? "exit cannot be a name: it is how the client says good-bye" : "";
}

/// Reads the next name, as std::getline reads a line. False after the last one, or when the person
/// at the terminal types exit or Ctrl-D.
bool next_name(Options& options, std::string& name)
{
    while (options.ask) {
        std::cerr << "Name (or exit): ";
        if (!std::getline(std::cin, name) || name == "exit" || objection(name).empty()) {
            return std::cin && name != "exit";
        }
        log(objection(name), ".");
    }
    if (options.names.empty()) {
        return false;
    }
    name = options.names.front();
    options.names.pop_front();
    return true;
}

/// Names from a file or a pipe, one a line, until its end or a line that says exit.
std::deque<std::string> read_names()
{
    std::deque<std::string> names;
    for (std::string name; std::getline(std::cin, name) && name != "exit"; names.push_back(name)) {
        if (!objection(name).empty()) {
            throw std::runtime_error("standard input, line " + std::to_string(names.size() + 1) +
                                     ": " + objection(name));
        }
    }
    if (std::ferror(stdin) != 0) {
        throw std::runtime_error("standard input could not be read");
    }
    return names;
}

Options parse(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: ./client [OPTION...] [NAME...]
The notebook's greeting client: prints the server's welcome and its greeting of each NAME
(Yam May Sarah). A single - reads the names from standard input, one a line.

  --host HOST        the server's address, a number or a name     (127.0.0.1)
  --port N           the server's port                            (9999)
  --timeout SECONDS  how long to wait for the server; 0: forever  (10)
  --help             print this help
)";
    const CommandLine given(argc, argv, usage, {"host", "port", "timeout"});
    Options options;
    options.host = given.text("host", options.host);
    options.port = given.port(options.port, 1);
    options.timeout = given.seconds("timeout", options.timeout);
    const auto& names = given.operands();
    if (names == std::vector<std::string>{"-"}) {
        options.ask = isatty(STDIN_FILENO) != 0;
        options.names = options.ask ? std::deque<std::string>() : read_names();
    } else if (!names.empty()) {
        options.names.assign(names.begin(), names.end());
        for (const std::string& name : names) {
            if (name == "-" || !objection(name).empty()) {
                throw UsageError(name == "-" ? "- stands for standard input only if it is alone"
                                             : objection(name));
            }
        }
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
