// tcp_state.hpp: the states of a connection, as its segments tell them. RFC 9293, figure 5
#pragma once

#include "packet.hpp"

#include <string>
#include <utility>

/// What becomes of one end of a connection.
class TcpState
{
  public:
    explicit TcpState(std::string first) : now_(std::move(first)) {}

    void sends(const Packet& packet);
    void receives(const Packet& packet);
    const std::string& now() const { return now_; }
    void is(const std::string& state) { now_ = state; } ///< it was asked for

  private:
    std::string now_;
    std::uint32_t end_ = 0; ///< the acknowledgement that its FIN waits for
};
