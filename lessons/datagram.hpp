// datagram.hpp: sendto and recvfrom, which only the UDP programs need. Every
// datagram is a message of its own.
#pragma once

#include "../common/socket.hpp"

/// What recvfrom returns. It may be empty.
struct Datagram {
    std::string data;
    Address from;
    bool is_cut = false; ///< it had more than 1024 bytes, and lost the rest
};

inline bool operator==(const Address& one, const Address& other)
{
    return one.length == other.length &&
           std::memcmp(&one.storage, &other.storage, one.length) == 0;
}

/// Sends one datagram, whole or not at all. sendto(2)
inline void sendto(const Socket& s, std::string_view data, const Address& to)
{
    const auto call = [&] {
        return ::sendto(s.fileno(), data.data(), data.size(), 0, to.get(),
                        to.length);
    };
    if (Socket::retry(call) == -1) {
        throw_errno("sendto " + to.str());
    }
}

/// Waits for one datagram, of which at most 1024 bytes are kept. recvfrom(2)
inline Datagram recvfrom(const Socket& s)
{
    char buffer[1024 + 1]; // the last byte is used if the datagram was longer
    Datagram datagram;
    Address& from = datagram.from;
    const ssize_t received = Socket::retry([&] {
        return ::recvfrom(s.fileno(), buffer, sizeof buffer, 0, from.get(),
                          &from.length);
    });
    s.check(received, "recvfrom");
    datagram.is_cut = received == sizeof buffer;
    datagram.data.assign(buffer, static_cast<std::size_t>(received) -
                                     (datagram.is_cut ? 1 : 0));
    return datagram;
}
