// syscalls.hpp: the system calls at which a program is stopped, and what is read of their
// arguments from its memory.
#pragma once

#include "call.hpp"
#include "memory.hpp"
#include "sentence.hpp"

#include <array>
#include <map>

namespace lab
{

/// A system call that is looked at.
struct KnownCall {
    const char* kind; ///< Call::kind
    const char* name;
    int arguments;
};
/// By their numbers.
const std::map<long, KnownCall>& known_calls();

/// The arguments of a system call, as the kernel is given them.
using Given = std::array<unsigned long, 6>;
/// What a stopped thread is about to call. False if it is of no interest: a file's read, say.
bool read_entry(pid_t process, long number, const Given& given, Call& call);

/// What a thread does that has called nothing more: "waits in recv", "waits for a lock or for
/// another thread", "has ended", "is at work". proc(5)
Sentence occupation_of(pid_t process, pid_t thread);

/// The inode of the socket that a descriptor is of; 0 if it is of something else.
long socket_of(pid_t process, long descriptor);

/// A copy of a descriptor of another process's; -1 if it cannot be had. pidfd_getfd(2)
int copy_of(pid_t process, long descriptor);

/// Notes what the socket is that this descriptor is of: its ports and state; of accept, the client.
void look_at_socket(Call& call, long descriptor);

} // namespace lab
