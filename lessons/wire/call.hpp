// call.hpp: what shim.cpp tells the wire of a call on a socket: once when it begins, and once when
// it returns.
#pragma once

#include <cstdint>

#include <sys/types.h>

/// One message, written in one piece. All of it is plain data, so that it can be.
struct WireCall {
    /// What a call does, whatever it is named: a program may send with write(2).
    enum class Kind { other, connect, accept, send, receive };

    std::int64_t time =
        0; ///< CLOCK_REALTIME, in nanoseconds: the clock that packets are stamped by
    std::int32_t player = 0; ///< who calls, as wire_variable says
    pid_t thread = 0;
    std::int32_t fd = -1;
    Kind kind = Kind::other;
    bool has_returned = false;
    bool never_waits = false; ///< the socket is O_NONBLOCK, and there was nothing to be had
    std::int32_t result = 0;
    std::int32_t error = 0;  ///< errno, if the result is -1
    std::int32_t state = 0;  ///< of a TCP socket, when the call has returned: TCP_INFO, tcp(7)
    std::uint16_t port = 0;  ///< the socket's own
    std::uint16_t peer = 0;  ///< its peer's
    char name[12] = {};      ///< as the program calls it: "connect", "accept4", "write"
    char arguments[64] = {}; ///< as the lab writes them; of accept, when it returns, the client
    char data[32] = {};      ///< the beginning of what was sent or received
    std::int32_t data_length = 0; ///< how much of `data` is used
    std::int64_t length = 0;      ///< of what is sent
};

/// The environment variable that says where these messages are written, and for which player:
/// "/proc/4711/fd/7 0". A path, as a program may close a descriptor that it does not know.
constexpr const char* wire_variable = "WIRE_CALLS";
