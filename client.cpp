// client.cpp: the notebook's greeting client, its step 5. Its counterpart is
// server.cpp.
#include "common.hpp"

#include <cstdio>
#include <iostream>

struct Options { // the notebook's values; the notebook waits forever
    std::string host = "127.0.0.1";
    int port = 9999;
    Seconds timeout{10};
    std::vector<std::string> names = {"Yam", "May", "Sarah"};
};
bool next_name(const Options& options, std::size_t number, std::string& name);
std::string receive(const Socket& s, const std::string& expected);

void greet(const Options& options)
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
    std::string name;
    for (std::size_t i = 0; next_name(options, i, name); ++i) {
        s.send(name);
        print(receive(s, "Hello, " + name + "!"));
    }

    // Say good-bye, and close.
    s.send("exit");
    s.close();
}

/// The notebook's s.recv(1024), repeated until all of the answer is there, as
/// TCP may deliver it in pieces. Throws if the server closes first or says
/// something else.
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
        throw std::runtime_error(s.name() + verb + visible(answer) +
                                 "\", where \"" + visible(expected) +
                                 "\" was expected. Is it the greeting server?");
    }
    return visible(answer);
}

/// Why the server could not greet this name; empty if it can.
std::string objection(const std::string& name)
{
    if (name.empty()) {
        return "An empty name cannot be sent: TCP carries bytes, so the server "
               "would wait forever";
    }
    if (name.size() > 1024) {
        return "A name of " + std::to_string(name.size()) +
               " bytes is too long: the server receives 1024 at a time and "
               "greets it in pieces";
    }
    return name == "exit"
               ? "exit cannot be a name: it is how the client says good-bye"
               : "";
}

/// Name `number`, from 0 on: an argument, or a line of standard input if the
/// argument is -. A terminal is asked, and asked again if the server could not
/// greet that name. False after the last one, or a line that says exit.
bool next_name(const Options& options, std::size_t number, std::string& name)
{
    if (options.names.front() != "-") {
        name = number < options.names.size() ? options.names[number] : "";
        return !name.empty();
    }
    const bool asks = isatty(STDIN_FILENO) != 0;
    while (true) {
        std::cerr << (asks ? "Name (or exit): " : "");
        if (!std::getline(std::cin, name) || name == "exit") {
            return std::ferror(stdin) != 0
                       ? throw std::runtime_error(
                             "standard input could not be read")
                       : false;
        }
        const std::string why = objection(name);
        if (why.empty()) {
            return true;
        }
        if (!asks) {
            throw std::runtime_error("standard input, line " +
                                     std::to_string(number + 1) + ": " + why);
        }
        log(why, ".");
    }
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
    Options options;
    options.host = given.text("host", options.host);
    options.port = given.port(options.port, 1);
    options.timeout = given.seconds("timeout", options.timeout);
    options.names = given.operands().empty() ? options.names : given.operands();
    for (const std::string& name : options.names) {
        if (name == "-" && options.names.size() > 1) {
            throw UsageError("- stands for standard input only if it is alone");
        }
        if (const std::string why = objection(name); !why.empty()) {
            throw UsageError(why);
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
