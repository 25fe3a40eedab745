// players.cpp: what the programs do that are not the lab's server and client: this program itself,
// in another part. A part is a list of acts, and says no more than the scene needs.
#include "cast.hpp"
#include "scenes.hpp"

#include <memory>
#include <thread>

#include <netinet/tcp.h>

namespace
{

void pause(Seconds time) { ::usleep(static_cast<useconds_t>(time.count() * 1e6)); }

/// One side of a conversation: each act is a word.
///
///     connect, hear, send:TEXT, end (shutdown), pause, rest (longer)
///     drain: hear until the other side has ended
void perform(Socket& s, const std::vector<std::string>& acts)
{
    for (const std::string& act : acts) {
        if (act == "connect") {
            s.connect(resolve("127.0.0.1", port).front());
            s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1); // each send is a segment
        } else if (act == "hear") {
            s.recv(1024);
        } else if (act == "drain") {
            while (!s.recv(1024).empty()) {
            }
        } else if (act == "end") {
            ::shutdown(s.fileno(), SHUT_WR);
        } else if (act == "pause") {
            pause(Seconds(0.05));
        } else if (act == "rest") {
            pause(Seconds(0.3));
        } else if (act == "long") {
            s.send(std::string(5000, 'x'));
        } else {
            s.send(act.substr(act.find(':') + 1));
        }
    }
}

/// What a greeting server says to what it has heard, after a pause; nothing for the end.
std::string reply(const std::string& heard, Seconds delay)
{
    pause(delay);
    const bool is_last = heard.empty() || heard == "exit";
    return is_last ? "" : "Hello, " + heard + "!";
}

/// Greets, in a thread for each client, or in turn.
void welcome_all(Seconds delay, bool in_turn)
{
    Socket door(AF_INET, SOCK_STREAM);
    door.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    door.bind(resolve("127.0.0.1", port).front());
    door.listen(128);
    for (;;) {
        auto guest = std::make_shared<Socket>(door.accept().first);
        const auto attend = [guest, delay] {
            try {
                for (std::string words = "Welcome!"; !words.empty();
                     words = reply(guest->recv(1024), delay)) {
                    guest->send(words);
                }
            } catch (const std::system_error&) { // this guest has broken off
            }
            guest->close();
        };
        in_turn ? attend() : std::thread(attend).detach();
    }
}

} // namespace

bool act(const std::vector<std::string>& words)
{
    const std::string part = words.empty() ? "" : words[0];
    if (part == "server" || part == "server-in-turn") {
        welcome_all(Seconds(std::stod(words.at(1))), part != "server");
    } else if (part == "late-server") { // all that the client sends has arrived when it reads
        Socket door(AF_INET, SOCK_STREAM);
        door.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
        door.bind(resolve("127.0.0.1", port).front());
        door.listen(5);
        Socket guest = door.accept().first;
        perform(guest, {"pause", "drain"});
    } else if (part == "client") {
        Socket s(AF_INET, SOCK_STREAM);
        perform(s, {words.begin() + 1, words.end()});
    } else {
        return false;
    }
    return true;
}
