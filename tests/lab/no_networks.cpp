// no_networks.cpp: runs a command as on a system that lets anybody make a network of their own, and
// then lets nobody switch on anything in it (Ubuntu 24.04 as it comes): netdevice(7)'s SIOCSIFFLAGS
// fails with EPERM, in the command and in all that it starts. Usage: no_networks COMMAND [WORD...]
// seccomp(2)
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdio>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char* argv[])
{
    if (argc < 2) {
        std::fputs("Usage: no_networks COMMAND [WORD...]\n", stderr);
        return 2;
    }
    // Each number that the kernel hands over has 64 bits; what is compared has 32.
    constexpr unsigned lower_half = std::endian::native == std::endian::little ? 0 : 4;
    constexpr unsigned request = offsetof(seccomp_data, args) + sizeof(__u64) + lower_half;
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, request),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SIOCSIFFLAGS, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{sizeof instructions / sizeof *instructions, instructions};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == -1) {
        std::perror("no_networks: a filter");
        return 1;
    }
    execvp(argv[1], argv + 1);
    std::perror(argv[1]);
    return 127;
}
