// call.hpp: one system call that a program made on a socket, on its screen, or to wait or end: what
// a trace has of it.
#pragma once

#include "times.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace lab
{

struct Call {
    /// What it is for, whatever its name: read(2) on a socket is a recv, write(2) a send.
    std::string kind{}; ///< socket, bind, listen, accept, connect, recv, send, shutdown, close,
                        ///< option, sleep, poll, print, fork, thread, exit; and, which are no
                        ///< calls, signal, and killed, of the process that a signal has ended
    std::string name{}; ///< its own name: "recv", "read", "sendmsg"
    Clock::time_point begin{};
    Clock::time_point end{}; ///< when it returned
    bool has_returned = false;
    pid_t process = 0;
    pid_t thread = 0;
    long socket = 0;       ///< its inode: the same for all who share it, after fork or dup
    long result = 0;       ///< what it returned, or -errno
    long size = -1;        ///< of recv and send: the size given; of listen: the backlog
    long flags = 0;        ///< of recv and send; of shutdown how, of socket the type
    long option = 0;       ///< of setsockopt: its level * 1000 + its number
    int port = 0;          ///< of bind and connect: that of the address; of accept: the client's
    std::string address{}; ///< the whole of it, also of sendto: "127.0.0.1:9999"
    std::string data{};    ///< the bytes that passed, as far as `most_bytes`
    Seconds pause{0};  ///< the time that sleep, SO_LINGER, SO_RCVTIMEO, or poll of one, is given
    bool waits = true; ///< the socket is one that waits: not O_NONBLOCK
    long client = 0;   ///< of accept: the inode of the socket that it returned; of fork and
                       ///< thread: the new one
    std::vector<unsigned long> stack{}; ///< where it was made, innermost first; Lines::place_of
    long descriptor = -1;               ///< that it was given
    bool is_inet = false;               ///< and that is a socket of TCP or UDP
    // Of that socket, or of the one that accept returned, if sockets are looked at:
    int own_port = 0;
    int peer_port = 0;
    int state = 0; ///< when the call had returned: TCP_INFO, tcp(7)
};

/// As a person writes it: `recv(1024) = "exit"`, `send("Welcome!") = -1 EBADF`.
std::string written(const Call& call);

} // namespace lab
