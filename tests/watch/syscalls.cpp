#include "syscalls.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <tuple>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lab
{

const std::map<long, KnownCall>& known_calls()
{
    static const std::map<long, KnownCall> all = {
        {SYS_socket, {"socket", "socket", plain}},
        {SYS_bind, {"bind", "bind", address}},
        {SYS_listen, {"listen", "listen", plain}},
        {SYS_accept4, {"accept", "accept", plain}},
        {SYS_connect, {"connect", "connect", address}},
        {SYS_recvfrom, {"recv", "recv", bytes}},
        {SYS_read, {"recv", "read", bytes}},
        {SYS_readv, {"recv", "readv", blocks}},
        {SYS_recvmsg, {"recv", "recvmsg", message}},
        {SYS_sendto, {"send", "send", bytes}},
        {SYS_write, {"send", "write", bytes}},
        {SYS_writev, {"send", "writev", blocks}},
        {SYS_sendmsg, {"send", "sendmsg", message}},
        {SYS_shutdown, {"shutdown", "shutdown", plain}},
        {SYS_close, {"close", "close", plain}},
        {SYS_dup3, {"close", "dup2", replaced}}, // another descriptor takes its place
        {SYS_setsockopt, {"option", "setsockopt", plain}},
        {SYS_nanosleep, {"sleep", "sleep", pause_first}},
        {SYS_clock_nanosleep, {"sleep", "sleep", pause_third}},
        {SYS_ppoll, {"poll", "poll", plain}},
        {SYS_pselect6, {"poll", "select", plain}},
        {SYS_epoll_pwait, {"poll", "epoll_wait", plain}},
        {SYS_exit_group, {"exit", "exit", plain}},
#ifdef SYS_accept // these are not on every kind of machine
        {SYS_accept, {"accept", "accept", plain}},
#endif
#ifdef SYS_recv
        {SYS_recv, {"recv", "recv", bytes}},
        {SYS_send, {"send", "send", bytes}},
#endif
#ifdef SYS_dup2
        {SYS_dup2, {"close", "dup2", replaced}},
#endif
#ifdef SYS_poll
        {SYS_poll, {"poll", "poll", plain}},
        {SYS_select, {"poll", "select", plain}},
        {SYS_epoll_wait, {"poll", "epoll_wait", plain}},
#endif
#ifdef SYS__newselect
        {SYS__newselect, {"poll", "select", plain}},
#endif
    };
    return all;
}

namespace
{

bool never_waits(pid_t process, long descriptor)
{
    std::ifstream file("/proc/" + std::to_string(process) + "/fdinfo/" +
                       std::to_string(descriptor));
    for (std::string word; file >> word;) {
        if (word == "flags:") {
            file >> word;
            return (std::strtol(word.c_str(), nullptr, 8) & O_NONBLOCK) != 0;
        }
    }
    return false;
}

} // namespace

Sentence occupation_of(pid_t process, pid_t thread)
{
    std::ifstream file("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) +
                       "/syscall");
    std::string word;
    if (!(file >> word)) {
        return "has ended";
    }
    const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
    const long number = is_number ? std::stol(word) : -1;
    if (number == SYS_futex) {
        return "waits for a lock or for another thread";
    }
    if (number == SYS_wait4) {
        return "waits for a child";
    }
    if (number == SYS_rt_sigsuspend || number == SYS_rt_sigtimedwait) {
        return "waits for a signal";
    }
    const auto known = known_calls().find(number);
    return known != known_calls().end() ? fill("waits in {call}", {{"call", known->second.name}})
                                        : Sentence(is_number ? "waits" : "is at work");
}

long socket_of(pid_t process, long descriptor)
{
    char text[64] = "";
    long inode = 0;
    const std::string path =
        "/proc/" + std::to_string(process) + "/fd/" + std::to_string(descriptor);
    const ssize_t n = readlink(path.c_str(), text, sizeof text - 1);
    return n > 0 && std::sscanf(text, "socket:[%ld]", &inode) == 1 ? inode : 0;
}

int copy_of(pid_t process, long descriptor)
{
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
    const int copy =
        pidfd == -1 ? -1 : static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, descriptor, 0));
    close(pidfd);
    return copy;
}

void look_at_socket(Call& call, long descriptor)
{
    const int copy = copy_of(call.process, descriptor);
    int family = 0;
    socklen_t length = sizeof family;
    call.is_inet = getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 &&
                   (family == AF_INET || family == AF_INET6);
    if (call.is_inet) {
        sockaddr_in6 own{};
        sockaddr_in6 peer{};
        tcp_info info{};
        length = sizeof own;
        getsockname(copy, reinterpret_cast<sockaddr*>(&own), &length);
        length = sizeof peer;
        getpeername(copy, reinterpret_cast<sockaddr*>(&peer), &length);
        length = sizeof info;
        getsockopt(copy, IPPROTO_TCP, TCP_INFO, &info, &length);
        call.own_port = written_address(own).second;
        call.peer_port = written_address(peer).second;
        call.state = info.tcpi_state;
        if (call.kind == "accept" && call.has_returned) {
            std::tie(call.address, call.port) = written_address(peer);
        }
    }
    close(copy);
}

bool read_entry(pid_t process, long number, const Given& given, Call& call)
{
    const auto found = known_calls().find(number);
    if (found == known_calls().end()) {
        return false;
    }
    const auto& [kind, name, arguments] = found->second;
    const auto descriptor =
        static_cast<long>(static_cast<int>(given[arguments == replaced ? 1 : 0]));
    call.descriptor = descriptor;
    call.kind = kind;
    call.name = name;
    if (call.kind == "sleep") {
        call.pause = time_in(process, given[arguments == pause_first ? 0 : 2]);
        timespec now{};
        if (arguments == pause_third && given[1] == TIMER_ABSTIME &&
            clock_gettime(static_cast<clockid_t>(given[0]), &now) == 0) {
            call.pause -=
                Seconds(static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9);
            call.pause = std::max(call.pause, Seconds(0));
        }
        return true;
    }
    if (call.kind == "poll" || call.kind == "exit") {
        call.size = call.kind == "exit" ? descriptor : -1;
        const bool waits_for_one = call.name == "poll" && given[1] == 1;
        const auto time = static_cast<int>(given[2]); // in milliseconds; a pointer is for ppoll
        call.pause = Seconds(waits_for_one && number != SYS_ppoll ? time / 1000.0 : 0);
        return true;
    }
    if (call.kind == "socket") {
        call.size = descriptor; // the family
        call.flags = static_cast<long>(given[1] & 0xf);
        return true;
    }
    call.socket = socket_of(process, descriptor);
    if (call.socket == 0) {
        const bool is_screen =
            call.kind == "send" && (descriptor == STDOUT_FILENO || descriptor == STDERR_FILENO);
        const bool is_for_any =
            call.name.starts_with("read") || call.name.starts_with("write") || call.kind == "close";
        if (!is_screen && is_for_any) {
            return false; // a file's
        }
        call.kind = is_screen ? "print" : call.kind;
        call.flags = is_screen ? descriptor : 0;
    }
    if (call.kind == "option") {
        call.option = static_cast<long>(given[1] * 1000 + given[2]);
        call.size = object<int>(process, given[3]);
        if (call.option == SOL_SOCKET * 1000 + SO_LINGER) {
            call.pause = Seconds(object<linger>(process, given[3]).l_linger);
        } else if (call.option == SOL_SOCKET * 1000 + SO_RCVTIMEO) {
            const auto time = object<timeval>(process, given[3]);
            call.pause =
                Seconds(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6);
        }
    } else if (call.kind == "listen") {
        call.size = static_cast<long>(given[1]);
    } else if (call.kind == "shutdown") {
        call.flags = static_cast<long>(given[1]);
    } else if (arguments == address) {
        std::tie(call.address, call.port) =
            written_address(object<sockaddr_in6>(process, given[1]));
    } else if (arguments == bytes || arguments == blocks || arguments == message) {
        call.size = size_of(process, arguments, given[1], given[2]);
        const bool has_flags = call.name == "recv" || call.name == "send";
        call.flags = has_flags ? static_cast<long>(given[3]) : call.flags;
        if (has_flags && number == SYS_sendto && given[4] != 0) {
            call.name = "sendto";
            call.address = written_address(object<sockaddr_in6>(process, given[4])).first;
        }
        call.name = has_flags && number == SYS_recvfrom && given[4] != 0 ? "recvfrom" : call.name;
    }
    if (call.kind == "send" || call.kind == "print") {
        call.data = bytes_of(process, arguments, given[1], given[2],
                             arguments == bytes ? given[2] : most_bytes);
    }
    call.waits =
        (call.kind != "recv" && call.kind != "accept") || !never_waits(process, descriptor);
    return true;
}

} // namespace lab
