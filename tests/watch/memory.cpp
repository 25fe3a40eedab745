#include "memory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace lab
{
namespace
{

constexpr unsigned long most_blocks = 16; ///< that are looked at

} // namespace

std::string memory(pid_t process, unsigned long at, std::size_t size)
{
    std::string text(std::min(size, most_bytes), '\0');
    const iovec here{text.data(), text.size()};
    auto* const place = reinterpret_cast<void*>(at); // NOLINT(performance-no-int-to-ptr)
    const iovec there{place, text.size()};
    const ssize_t n = process_vm_readv(process, &here, 1, &there, 1, 0);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

Seconds time_in(pid_t process, unsigned long at)
{
    const auto time = object<timespec>(process, at);
    return Seconds(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9);
}

std::string bytes_of(pid_t process, int arguments, unsigned long at, unsigned long count,
                     std::size_t most)
{
    if (arguments == bytes) {
        return memory(process, at, most);
    }
    if (arguments == message) {
        const auto header = object<msghdr>(process, at);
        return bytes_of(process, blocks, reinterpret_cast<unsigned long>(header.msg_iov),
                        header.msg_iovlen, most);
    }
    std::string text;
    for (unsigned long i = 0;
         arguments == blocks && i < std::min(count, most_blocks) && text.size() < most; ++i) {
        const auto block = object<iovec>(process, at + i * sizeof(iovec));
        text += memory(process, reinterpret_cast<unsigned long>(block.iov_base),
                       std::min(block.iov_len, most - text.size()));
    }
    return text;
}

long size_of(pid_t process, int arguments, unsigned long at, unsigned long count)
{
    if (arguments == message) {
        const auto header = object<msghdr>(process, at);
        return size_of(process, blocks, reinterpret_cast<unsigned long>(header.msg_iov),
                       header.msg_iovlen);
    }
    unsigned long size = arguments == bytes ? count : 0;
    for (unsigned long i = 0; arguments == blocks && i < std::min(count, most_blocks); ++i) {
        size += object<iovec>(process, at + i * sizeof(iovec)).iov_len;
    }
    return static_cast<long>(size);
}

std::pair<std::string, int> written_address(const sockaddr_in6& any)
{
    std::array<char, INET6_ADDRSTRLEN> host{};
    const bool is_six = any.sin6_family == AF_INET6;
    const bool is_four = any.sin6_family == AF_INET ||
                         (is_six && IN6_IS_ADDR_V4MAPPED(&any.sin6_addr)); // sent over IPv4
    if (!is_four && !is_six) {
        return {"", 0};
    }
    const auto* plain = reinterpret_cast<const unsigned char*>(&any);
    const void* bytes = any.sin6_family == AF_INET ? plain + offsetof(sockaddr_in, sin_addr)
                        : is_four                  ? any.sin6_addr.s6_addr + 12
                                                   : any.sin6_addr.s6_addr;
    inet_ntop(is_four ? AF_INET : AF_INET6, bytes, host.data(), host.size());
    const int port = ntohs(any.sin6_port); // IPv4 has it in the same place
    const std::string text = host.data();
    return {(is_four ? text : "[" + text + "]") + ":" + std::to_string(port), port};
}

} // namespace lab
