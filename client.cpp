// client.cpp: the notebook's greeting client, step by step. Its counterpart is server.cpp.
#include "common.hpp"

#include <optional>

namespace
{

/// The command line; every default is the notebook's value, but for the timeout: the notebook waits for ever.
struct Options {
    std::string host = "127.0.0.1";
    int port = 9999;
    Seconds timeout{10};
    std::vector<std::string> names = {"Yam", "May", "Sarah"};
    bool ask = false; ///< the names are typed in, one at a time
};

Options parse(int argc, char* argv[]);
std::optional<std::string> next_name(Options& options);
void receive_and_print(const Socket& s, const std::string& expected);

} // namespace

int main(int argc, char* argv[])
try {
    Options options = parse(argc, argv);

    Socket s = first_that_works(resolve(options.host, options.port), [&](const Address& address) {
        Socket tcp(address.family(), SOCK_STREAM); // create the socket
        tcp.settimeout(options.timeout);
        tcp.connect(address); // connect to the server
        return tcp;
    });

    receive_and_print(s, "Welcome!");
    while (const auto name = next_name(options)) {
        s.send(*name);
        receive_and_print(s, "Hello, " + *name + "!");
    }
    s.send("exit");
    s.close();
    return 0;
} catch (const std::exception& error) {
    return report(error);
}

// ---- What does not belong to the story
// ----------------------------------------------------------------------

namespace
{

/// Receives the server's answer and prints it on a line. TCP delivers bytes, not messages: the answer may
/// come in pieces, so this receives until all of it is there. Throws if the server closes first or answers
/// otherwise.
void receive_and_print(const Socket& s, const std::string& expected)
{
    const auto quoted = [](const std::string& text) { return "\"" + visible(text) + "\""; };
    std::string answer;
    while (answer.size() < expected.size() && expected.starts_with(answer)) {
        const std::string piece = s.recv(expected.size() - answer.size());
        if (piece.empty()) {
            throw std::runtime_error(s.name() + " closed the connection after " + quoted(answer) +
                                     ", before " + quoted(expected) +
                                     " was complete. Its own terminal may say why.");
        }
        answer += piece;
    }
    if (answer != expected) {
        throw std::runtime_error(s.name() + " answered " + quoted(answer) + ", where " + quoted(expected) +
                                 " was due. Is it the greeting server?");
    }
    print_line(visible(answer));
}

/// Why a name cannot be greeted; empty if it can.
std::string objection(const std::string& name)
{
    if (name.empty()) {
        return "An empty name cannot be sent: TCP carries bytes, not messages, so the server would wait for "
               "ever.";
    }
    if (name.size() > 1024) {
        return "A name of " + std::to_string(name.size()) +
               " bytes is too long: the server receives at most 1024 at a time and would greet it in pieces.";
    }
    return "";
}

/// The next name to send; none when all are sent, or when the person at the terminal types exit or Ctrl-D.
std::optional<std::string> next_name(Options& options)
{
    std::string name;
    while (options.ask) {
        std::cerr << "Name (or exit): ";
        options.ask = static_cast<bool>(std::getline(std::cin, name)) && name != "exit";
        const std::string why = objection(name);
        if (options.ask && why.empty()) {
            return name;
        }
        std::cerr << (options.ask ? why + "\n" : "");
    }
    if (options.names.empty()) {
        return {};
    }
    name = options.names.front();
    options.names.erase(options.names.begin());
    return name;
}

/// Names from a file or a pipe, one a line, as far as a line that says exit.
std::vector<std::string> read_names()
{
    std::vector<std::string> names;
    for (std::string name; std::getline(std::cin, name) && name != "exit";) {
        if (const std::string why = objection(name); !why.empty()) {
            throw std::runtime_error("Standard input, line " + std::to_string(names.size() + 1) + ": " + why);
        }
        names.push_back(name);
    }
    return names;
}

Options parse(int argc, char* argv[])
{
    constexpr char usage[] = R"(Usage: ./client [OPTION...] [NAME...]
The notebook's greeting client: prints the server's welcome and its greeting of each NAME (Yam May Sarah).
A single - reads the names from standard input, one a line.

  --host HOST        the server's address, a number or a name   (127.0.0.1)
  --port N           the server's port                          (9999)
  --timeout SECONDS  wait so long for the server; 0: for ever   (10)
  --help             print this
)";
    Options options;
    auto names = parse_options(argc, argv, usage,
                               {{"host", [&](const Value& value) { options.host = value.text(); }},
                                {"port", [&](const Value& value) { options.port = value.port(1); }},
                                {"timeout", [&](const Value& value) { options.timeout = value.seconds(); }}});
    if (names == std::vector<std::string>{"-"}) {
        options.ask = isatty(STDIN_FILENO) != 0;
        options.names = options.ask ? std::vector<std::string>() : read_names();
    } else if (!names.empty()) {
        for (const std::string& name : names) {
            if (const std::string why = objection(name); !why.empty()) {
                throw UsageError(why);
            }
            if (name == "exit" || name == "-") {
                throw UsageError(name +
                                 " cannot be greeted: exit is what the server takes as good-bye, and - " +
                                 "alone stands for standard input.");
            }
        }
        options.names = names;
    }
    return options;
}

} // namespace
