// memory.hpp: what stands in another process's memory, and is handed to the kernel there.
// process_vm_readv(2)
#pragma once

#include "times.hpp"

#include <cstring>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <sys/types.h>

namespace lab
{

/// Of the bytes of one call, so many are kept.
constexpr std::size_t most_bytes = 4096;

/// What the arguments of a call are.
enum Arguments { plain, bytes, blocks, message, address, replaced, pause_first, pause_third };

/// Bytes at an address; fewer, where there are not so many.
std::string memory(pid_t process, unsigned long at, std::size_t size);

/// A structure at an address.
template<class T> T object(pid_t process, unsigned long at)
{
    T value{};
    const std::string raw = memory(process, at, sizeof value);
    std::memcpy(&value, raw.data(), raw.size());
    return value;
}

Seconds time_in(pid_t process, unsigned long at); ///< a timespec

/// The bytes that a call of this shape passes on, at most so many.
std::string bytes_of(pid_t process, int arguments, unsigned long at, unsigned long count,
                     std::size_t most);
/// How many they are.
long size_of(pid_t process, int arguments, unsigned long at, unsigned long count);

/// An address as the lab writes it, "127.0.0.1:9999" or "[::1]:9999", and its port; nothing of
/// another family. ip(7), ipv6(7)
std::pair<std::string, int> written_address(const sockaddr_in6& any);

} // namespace lab
