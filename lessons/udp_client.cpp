// udp_client.cpp: the greeting over datagrams (tutorial, 6). It does not
// connect and need not bind; it just sends. A datagram, or its answer, may be
// lost. Its counterpart is udp_server.cpp.
#include "../common.hpp"
#include "datagram.hpp"

Datagram answer_from(const Address& server, Socket& s, Seconds timeout);

void greet(const Address& server, const std::vector<std::string>& names,
           Seconds timeout)
{
    // 1. Create the socket.
    Socket s(server.family(), SOCK_DGRAM);

    // 2. Send each name, and receive the answer.
    for (const std::string& name : names) {
        sendto(s, name, server);
        const Datagram answer = answer_from(server, s, timeout);
        if (answer.is_cut) {
            log("warning: the answer was longer than 1024 bytes; the rest of "
                "it is lost.");
        }
        print(visible(answer.data));
    }

    // 3. Close.
    s.close();
}

/// Waits for a datagram from the server. Anyone may send one to this socket;
/// those of others are ignored, and do not make the wait longer: each time, the
/// socket's time-out is what is left of it.
Datagram answer_from(const Address& server, Socket& s, Seconds timeout)
{
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    try {
        while (true) {
            if (timeout > Seconds(0)) { // 0: forever
                const Seconds left =
                    deadline - std::chrono::steady_clock::now();
                s.settimeout(std::max(left, Seconds(1e-6)));
            }
            Datagram datagram = recvfrom(s);
            if (datagram.from == server) {
                return datagram;
            }
        }
    } catch (const std::system_error& error) {
        const bool late = error.code() == std::errc::timed_out;
        throw std::runtime_error(
            late ? "No answer from " + server.str() +
                       " in time. The datagram or its answer was lost, or no "
                       "server is there: UDP does not tell. --timeout says how "
                       "long to wait."
                 : error.what());
    }
}

int main(int argc, char* argv[])
{
    constexpr char usage[] =
        R"(Usage: lessons/udp_client [--host HOST (127.0.0.1)] [--port N (9999)]
                          [--timeout SECONDS (10)] [NAME...]
Sends each NAME (Yam May Sarah) in a datagram and prints the answer.
)";
    try {
        const CommandLine given(argc, argv, usage, {"host", "port", "timeout"});
        std::vector<std::string> names = given.operands();
        if (names.empty()) {
            names = {"Yam", "May", "Sarah"};
        }
        const Seconds timeout = given.seconds("timeout", Seconds(10));
        greet(resolve(given.text("host", "127.0.0.1"),
                      given.number("port", 9999, 1, 65535), SOCK_DGRAM)
                  .front(),
              names, timeout);
    } catch (const std::exception& error) {
        return report(error);
    }
    return 0;
}
