// process.hpp: what /proc tells of a program and its children: what they wait for, what they have,
// where they listen. Every function returns what it can see; where /proc is not mounted, that is
// nothing. proc(5)
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace lab
{

/// The processes of a group that have not been waited for: a program and the children that it
/// forked.
std::vector<pid_t> processes_of(pid_t group);

/// What a group of processes is doing.
struct Activity {
    long ticks = 0;       ///< CPU time used so far, in hundredths of a second
    bool runs = false;    ///< a thread is running, wants to run, or waits for a disk
    bool stopped = true;  ///< all of them are (SIGSTOP)
    long threads = 0;     ///< of all its processes
    long zombies = 0;     ///< children that ended, and that nobody waited for
    long processes = 0;   ///< zombies not counted
    long descriptors = 0; ///< of all its processes
};
Activity activity_of(pid_t group);

/// The same of these processes and threads, as far as `ticks` (with those of children that have
/// ended) and `runs`: quicker, where they are known.
Activity activity_of(const std::vector<pid_t>& threads);

/// A TCP or UDP socket, as Linux lists them. proc_pid_net(5)
struct ListedSocket {
    std::string address; ///< its own: "127.0.0.1", "0.0.0.0", "::1"
    int port = 0;
    int peer = 0; ///< its peer's port
    bool datagrams = false;
    std::string state; ///< "LISTEN"
    /// Bytes that have come, and that its program has not received; of one that listens, clients
    /// that are connected, and that accept has not returned yet.
    long waiting = 0;
    long unacknowledged = 0; ///< bytes that its program has sent, and its peer's kernel has not got
    unsigned long inode = 0;
};
/// Those in the network of a process; 0 stands for this one's.
std::vector<ListedSocket> sockets_of(pid_t process = 0);

/// A TCP state's name, as the kernel numbers them. RFC 9293
std::string state_name(int state);

/// A socket that waits for clients, or for datagrams.
struct ListeningSocket : ListedSocket {
    pid_t owner = 0;
    std::string program; ///< its name
};
/// The sockets of a group on which clients, or datagrams, may come in; 0 stands for every process
/// that is seen.
std::vector<ListeningSocket> listening_sockets_of(pid_t group);

/// True if the kernel has not finished the server's side of the handshake with the client at this
/// address ("127.0.0.1:51234"): the backlog was full, and it will be repeated.
bool handshake_is_unfinished(int server_port, const std::string& client);

/// True if the server has sent this client something that the kernel has not passed on.
bool is_held_back(int server_port, int client_port);

/// A copy of the descriptor with which a process of this group holds the socket of that number; -1
/// if none has it. pidfd_getfd(2)
int copy_of_socket(pid_t group, unsigned long inode);

} // namespace lab
