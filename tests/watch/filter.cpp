// filter.cpp: the filter that stops a program at some system calls, and at no other. seccomp(2)
#include "syscalls.hpp"
#include "trace.hpp"

#include <cstddef>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

namespace lab
{
namespace
{

#if defined __x86_64__
constexpr unsigned own_machine = AUDIT_ARCH_X86_64;
#elif defined __aarch64__
constexpr unsigned own_machine = AUDIT_ARCH_AARCH64;
#elif defined __i386__
constexpr unsigned own_machine = AUDIT_ARCH_I386;
#elif defined __arm__
constexpr unsigned own_machine = AUDIT_ARCH_ARM;
#else
constexpr unsigned own_machine = 0; // then nothing is watched
#endif

} // namespace

void Trace::stop_at_calls()
{
    const auto load = [](std::size_t offset) {
        return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
    };
    const auto answer = [](unsigned action) {
        return sock_filter BPF_STMT(BPF_RET | BPF_K, action);
    };
    std::vector<sock_filter> code = {load(offsetof(seccomp_data, arch)),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_machine, 1, 0),
                                     answer(SECCOMP_RET_ALLOW), load(offsetof(seccomp_data, nr))};
    for (const auto& [number, known] : known_calls()) {
        code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
        code.push_back(answer(SECCOMP_RET_TRACE));
    }
    code.push_back(answer(SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ==
        -1) { // who is not root gives something up for it
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    }
}

} // namespace lab
