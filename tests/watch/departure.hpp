// departure.hpp: where the calls of a program leave the notebook's story. Pure functions of the
// records of a trace: they start nothing and wait for nothing.
#pragma once

#include "call.hpp"
#include "sentence.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lab
{

using Calls = std::vector<Call>;

/// The first thing that a program did, or did not do, that the story has otherwise.
struct Departure {
    Calls before;             ///< what it had called until then, as the story has it
    std::optional<Call> call; ///< what it called then; none if it called nothing
    std::string then;         ///< in words, with {call} for that call
    Sentence::Places places;  ///< what else stands in `then`
    std::string due;          ///< the line of the notebook that comes there
    std::string hint;         ///< the cause, where only one makes it so; else empty
    int client = 0;           ///< the port of the client whose conversation it is; or 0
    pid_t process = 0;        ///< where nothing is called: who might have
    pid_t thread = 0;
};

/// What a server was asked for.
struct Asked {
    int port = 0;
    Seconds delay{0};
    bool is_unanswered = false; ///< it has got nothing for what it has said
    int client = 0;             ///< the port of the client whose conversation went wrong; 0: none
};

/// A server's departure: of its first steps, of the loop around accept, or of that client's
/// conversation; or of another one's, whose thread has ended the whole program. None where the
/// calls are the story's: then the bytes have to tell.
std::optional<Departure> departure_of_server(const Calls& calls, const Asked& asked);

/// Of the first conversation that went wrong, of clients that have all left.
std::optional<Departure> departure_of_who_has_left(const Calls& calls, const Asked& asked);

/// Of the conversation with the client that this call of accept has returned.
std::optional<Departure> departure_of_conversation(const Calls& calls, std::size_t accepted,
                                                   const Asked& asked);

/// How long the server waited before the welcome, and then before each answer to the client with
/// this port: from the return of accept, or recv, to the call of send. Empty if that was not seen.
std::vector<Seconds> pauses_of(const Calls& calls, int client);

/// A client's, which was asked to connect to this port.
std::optional<Departure> departure_of_client(const Calls& calls, int port);

/// Where in the conversation it is: who is to do what next.
enum class State { welcome, receive, answer, leave, over };

/// What usually makes a call of this kind come where the story has something else; empty if more
/// than one thing does. `is_again`: after at least one answer.
std::string hint_for(State state, const Call& call, bool is_again);
/// The same for a port that is not the one asked for.
std::string hint_for_port(int asked, int used);
/// The same for a socket that is not TCP's.
std::string hint_for_datagrams();
/// The same for an option with which close sends a reset. SO_LINGER, {1, 0}
bool makes_close_reset(const Call& call);
std::string hint_for_reset();
/// The same for a call that failed, or cannot do what it is for, wherever it stands.
std::string hint_for_itself(const Call& call);

/// The lines of the notebook.
namespace step
{
inline const std::string socket =
    "steps 1 and 2: s = socket.socket(...) and s.bind(('127.0.0.1', 9999))";
inline const std::string listen = "step 3: s.listen(5) and print('Waiting for connection...')";
inline const std::string accept =
    "step 4, the loop: sock, addr = s.accept(), and then a new thread for this client";
inline const std::string welcome = "step 4, tcplink: sock.send(b'Welcome!'), before the loop";
inline const std::string recv = "step 4, tcplink: data = sock.recv(1024)";
inline const std::string greeting =
    "step 4, tcplink: sock.send(('Hello, %s!' % data.decode('utf-8')).encode('utf-8'))";
inline const std::string pause = "step 4, tcplink: time.sleep(1), between recv and the answer";
inline const std::string leave =
    "step 4, tcplink: if not data or data.decode('utf-8') == 'exit': break, and then sock.close()";
inline const std::string lines =
    "step 4, tcplink: the first line and the last one, print(... % addr)";
} // namespace step

namespace line
{
inline const std::string connect =
    "step 5: s = socket.socket(...) and s.connect(('127.0.0.1', 9999))";
inline const std::string welcome = "step 5: print(s.recv(1024).decode('utf-8')), before the loop";
inline const std::string send = "step 5: for data in [b'Yam', b'May', b'Sarah']: s.send(data)";
inline const std::string print = "step 5: print(s.recv(1024).decode('utf-8')), after each send";
inline const std::string leave = "step 5: s.send(b'exit') and s.close()";
} // namespace line

} // namespace lab
