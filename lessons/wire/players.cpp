// players.cpp: what the programs do that are not the lab's server and client: this program itself,
// in another part.
#include "../../common.hpp"
#include "scenes.hpp"

#include <netinet/tcp.h>

bool act(const std::string& player)
{
    const Address address = resolve("127.0.0.1", port).front();
    Socket s(AF_INET, SOCK_STREAM);
    const auto pause = [] { ::usleep(50'000); };
    if (player.ends_with("-server")) {
        s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
        s.bind(address);
        s.listen(5);
        const auto [sock, name] = s.accept();
        pause(); // all that the client sends arrives meanwhile
        while (!sock.recv(1024).empty()) {
        }
        return true;
    }
    s.connect(address);
    if (player == "stream-client") {
        s.send(std::string(5000, 'x'));
    } else if (player == "joined-client") {
        s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1); // do not wait, so that each send is a segment
        for (const char* name : {"Yam", "May", "Sarah"}) {
            s.send(name);
        }
    } else if (player == "half-close") {
        s.recv(1024);
        s.send("Yam");
        ::shutdown(s.fileno(), SHUT_WR);
        while (!s.recv(1024).empty()) {
        }
    } else if (player == "reset") {
        pause(); // the welcome arrives
    } else {
        return false;
    }
    return true;
}
