// call.hpp: what shim.cpp tells the wire of a system call: once when it begins, and
// once when it returns.
#pragma once

#include <cstdint>

#include <sys/types.h>

/// One message, written in one piece. All of it is plain data, so that it can be.
struct WireCall {
    std::int64_t time =
        0; ///< CLOCK_REALTIME, in nanoseconds: the clock that packets are stamped by
    pid_t pid = 0;
    pid_t thread = 0;
    std::int32_t fd = -1;
    bool has_returned = false;
    std::int32_t result = 0;
    std::int32_t error = 0;  ///< errno, if the result is -1
    std::int32_t state = 0;  ///< of a TCP socket, when the call has returned: TCP_INFO, tcp(7)
    std::uint16_t port = 0;  ///< the socket's own
    std::uint16_t peer = 0;  ///< its peer's
    char name[12] = {};      ///< "connect"
    char arguments[64] = {}; ///< as the lab writes them; of accept, when it returns, the client
    char data[32] = {};      ///< the beginning of what was sent or received
    std::int32_t data_length = 0; ///< how much of `data` is used
};

/// The environment variable that says on which descriptor these messages are written.
constexpr const char* wire_variable = "WIRE_CALLS";
