// ask_and_send.cpp: the tutorial's client (4.1). It asks where to connect and
// what to send, sends it, and closes. Its counterparts are thank_you_once.cpp
// and thank_you_loop.cpp.
#include "gbk.hpp"

/// Python's input(): the next argument, or, when there are no more, what a
/// person answers to the question.
std::string input(const std::string& question,
                  std::vector<std::string>& arguments)
{
    std::string answer;
    if (!arguments.empty()) {
        answer = arguments.front();
        arguments.erase(arguments.begin());
        return answer;
    }
    std::cout << question << std::flush;
    if (!std::getline(std::cin, answer)) {
        throw std::runtime_error("standard input ended before an answer to: " +
                                 question);
    }
    return answer;
}

void ask_and_send(std::vector<std::string> arguments)
{
    // 1. Create the socket, and 2. connect it to the server. (It takes its
    // family from the address, so that is asked for first.)
    const std::string host = input("Server address: ", arguments);
    const int port = whole_number("Port", input("Port: ", arguments), 1, 65535);
    const auto addresses = resolve(host, port);
    Socket tcp_client(addresses.front().family(), SOCK_STREAM);
    tcp_client.connect(addresses);

    // 3. Send the data.
    tcp_client.send(to_gbk(input("Data to send: ", arguments)));

    // 4. Close the socket.
    tcp_client.close();
}

int main(int argc, char* argv[])
{
    constexpr char usage[] =
        R"(Usage: lessons/ask_and_send [ADDRESS [PORT [DATA]]]
Sends DATA, encoded as GBK, to a server. Asks for what is not given.
)";
    try {
        const auto arguments = CommandLine(argc, argv, usage, {}).operands(3);
        if (arguments.size() == 3) {
            to_gbk(arguments[2]); // throws, before a connection is made
        }
        ask_and_send(arguments);
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
