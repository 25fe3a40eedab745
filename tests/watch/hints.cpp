// hints.cpp: what makes a call come where the story has another one, in the cases in which that is
// one thing. Where it may be several, the call and its place have to speak for themselves.
#include "departure.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace lab
{

std::string hint_for(State state, const Call& call, bool is_again)
{
    struct Row {
        State state;
        const char* kind;
        const char* hint;
    };
    static const std::vector<Row> rows = {
        {State::welcome, "recv",
         "The server speaks first: the welcome is sent before the loop, and recv stands in it."},
        {State::welcome, "sleep",
         "There is a pause before the welcome: the sleep belongs between recv and the answer."},
        {State::welcome, "print",
         "It was printed on the server's own screen: it has to be sent to the client."},
        {State::answer, "print",
         "It was printed on the server's own screen: it has to be sent to the client."},
        {State::answer, "recv",
         "What recv has returned is a message: it is answered before recv is called again."},
        {State::answer, "close",
         "That message was not answered: the connection was closed instead."},
        {State::receive, "sleep",
         "The pause stands where the next message is due: it belongs between recv and the answer."},
        {State::receive, "shutdown",
         "The server ended its sending side: it cannot send any more after that."},
        {State::leave, "recv",
         "exit, or a recv that returns nothing (0), is the end of the loop: break leaves it, and "
         "close comes behind it."},
        {State::leave, "send",
         "At the end nothing is sent: what recv returned is looked at before the answer is made."},
        {State::leave, "exit",
         "That ends the whole program: only the loop of this client is meant to end, with break."},
    };
    for (const Row& row : rows) {
        if (row.state == state && call.kind == row.kind) {
            return row.hint;
        }
    }
    return state == State::receive && call.kind == "send" && is_again
               ? "A second answer goes out, and no message was received for it."
               : "";
}

std::string hint_for_port(int asked, int used)
{
    return used == ((asked & 0xff) << 8 | (asked >> 8 & 0xff))
               ? "The two bytes of the port are swapped: htons puts them in network byte order, "
                 "once."
           : used == 9999 ? "9999 is the notebook's port; the port on the command line is not used."
                          : "";
}

std::string hint_for_datagrams()
{
    return "SOCK_DGRAM makes a socket for datagrams (UDP). TCP takes SOCK_STREAM.";
}

bool makes_close_reset(const Call& call)
{
    return call.kind == "option" && call.option == SOL_SOCKET * 1000 + SO_LINGER &&
           call.size != 0 && call.pause == Seconds(0);
}

std::string hint_for_reset()
{
    return "SO_LINGER with a time of 0 seconds makes close send a reset (RST), where an end (FIN) "
           "is due.";
}

std::string hint_for_itself(const Call& call)
{
    if (call.kind == "recv" && call.size == 0) {
        return "recv was given room for 0 bytes: it returns at once, with nothing, and that is no "
               "end. The buffer has to have a length, and the size stands in its place.";
    }
    if (call.kind == "recv" && (call.flags & MSG_PEEK) != 0) {
        return "MSG_PEEK leaves the bytes where they are: the next recv returns the same ones.";
    }
    if (call.kind == "recv" && (call.flags & MSG_WAITALL) != 0) {
        return "MSG_WAITALL waits until all of that size has come. recv returns what has arrived.";
    }
    if ((call.kind == "send" || call.kind == "recv") && (call.flags & MSG_OOB) != 0) {
        return "MSG_OOB is for one byte of urgent data, beside the others: recv does not return "
               "it.";
    }
    if (call.kind == "recv" && (call.flags & MSG_TRUNC) != 0) {
        return "MSG_TRUNC throws the bytes of a TCP connection away, and says how many there were.";
    }
    if (call.kind == "send" && (call.flags & MSG_MORE) != 0) {
        return "MSG_MORE says that more follows: the kernel holds these bytes back.";
    }
    if (call.kind == "send" && call.data.empty() && call.result >= 0) {
        return "send was given 0 bytes: nothing is sent.";
    }
    if (call.kind == "recv" && call.result == -EAGAIN) {
        return call.waits && (call.flags & MSG_DONTWAIT) == 0
                   ? "A time-out has passed (SO_RCVTIMEO): the notebook's recv waits without a "
                     "limit, and -1 is no end."
                   : "This socket does not wait: nothing has come yet, and -1 with EAGAIN is no "
                     "end.";
    }
    if (call.result == -EBADF) {
        return "That descriptor is closed, or was none at any time.";
    }
    if (call.result == -ENOTSOCK) {
        return "That descriptor is no socket.";
    }
    if (call.result == -ENOTCONN) {
        return "That socket is not connected: the one that accept returned is meant.";
    }
    if (call.result == -EFAULT) {
        return "The address that it was given is no memory of the program's.";
    }
    return "";
}

} // namespace lab
