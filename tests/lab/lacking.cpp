// lacking.cpp: runs a command, and all that it starts, as on a system that lacks something.
// seccomp(2)
//
//     networks: anybody may make one, and nobody may switch on anything in it (Ubuntu 24.04 as it
//               comes): netdevice(7)'s SIOCSIFFLAGS fails with EPERM
//     ipv6:     the kernel has none: socket(AF_INET6, ...) fails with EAFNOSUPPORT
//
// Usage: lacking networks|ipv6 COMMAND [WORD...]
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string_view>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char* argv[])
{
    const std::string_view what = argc > 2 ? argv[1] : "";
    const bool networks = what == "networks";
    if (!networks && what != "ipv6") {
        std::fputs("Usage: lacking networks|ipv6 COMMAND [WORD...]\n", stderr);
        return 2;
    }
    // Each argument that the kernel hands over has 64 bits; what is compared has 32.
    constexpr unsigned lower_half = std::endian::native == std::endian::little ? 0 : 4;
    constexpr unsigned first = offsetof(seccomp_data, args) + lower_half;
    const unsigned argument = networks ? first + 8 : first;
    const unsigned call = networks ? SYS_ioctl : SYS_socket;
    const unsigned value = networks ? SIOCSIFFLAGS : AF_INET6;
    const unsigned error = networks ? EPERM : EAFNOSUPPORT;
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{sizeof instructions / sizeof *instructions, instructions};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == -1) {
        std::perror("lacking: a filter");
        return 1;
    }
    execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    return 127;
}
