// ask_and_send.cpp: the tutorial's client (4.1). It asks where to connect and what to send, sends it, and closes.
// Its counterparts are thank_you_once.cpp and thank_you_loop.cpp.
#include "gbk.hpp"

int main(int argc, char* argv[])
try {
    constexpr char usage[] = "Usage: lessons/ask_and_send [ADDRESS [PORT [DATA]]]\n"
                             "Sends DATA, encoded as GBK, to a server. Asks for what is not given.\n";
    auto answers = parse_options(argc, argv, usage, {});
    if (answers.size() > 3) {
        throw UsageError("'" + answers[3] + "' is one argument too many. See --help.");
    }
    const std::size_t given = answers.size();
    const auto ask = [&](std::size_t which, const char* question) { // Python's input()
        if (which >= given) {
            std::cout << question << std::flush;
            if (!std::getline(std::cin, answers.emplace_back())) {
                throw std::runtime_error(std::string("Standard input ended before an answer to: ") +
                                         question);
            }
        }
        return answers[which];
    };
    if (given == 3) {
        to_gbk(answers[2]); // refuses at once what cannot be sent
    }

    // 1. The server's address: connect to it.
    const std::string host = ask(0, "Server address: ");
    const int port = Value{"Port", ask(1, "Port: ")}.port(1);
    Socket tcp_client = first_that_works(resolve(host, port), [](const Address& address) {
        Socket tcp(address.family(), SOCK_STREAM);
        tcp.connect(address);
        return tcp;
    });

    // 2. The data: send them.
    tcp_client.send(to_gbk(ask(2, "Data to send: ")));

    // 3. Close.
    tcp_client.close();
    return 0;
} catch (const std::exception& error) {
    return report(error);
}
