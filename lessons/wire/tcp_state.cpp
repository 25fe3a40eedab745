#include "tcp_state.hpp"

void TcpState::sends(const Packet& packet)
{
    if (packet.has('R')) {
        now_ = "CLOSED";
    } else if (packet.has('S')) {
        now_ = packet.has('A') ? "SYN_RECV" : "SYN_SENT";
    } else if (now_ == "SYN_SENT") { // the handshake's third segment
        now_ = "ESTABLISHED";
    } else if (packet.has('F') && now_ == "ESTABLISHED") {
        now_ = "FIN_WAIT1";
    } else if (packet.has('F') && now_ == "CLOSE_WAIT") {
        now_ = "LAST_ACK";
    }
    if (packet.has('F')) {
        end_ = packet.sequence + static_cast<std::uint32_t>(packet.length) + 1;
    }
}

void TcpState::receives(const Packet& packet)
{
    if (packet.has('R')) {
        now_ = "CLOSED";
    } else if (now_ == "SYN_RECV" && !packet.has('S')) {
        now_ = "ESTABLISHED";
    }
    if (packet.has('A') && end_ != 0 && packet.acknowledged == end_) {
        now_ = now_ == "FIN_WAIT1"  ? "FIN_WAIT2"
               : now_ == "LAST_ACK" ? "CLOSED"
               : now_ == "CLOSING"  ? "TIME_WAIT"
                                    : now_;
    }
    if (packet.has('F')) {
        now_ = now_ == "FIN_WAIT2"     ? "TIME_WAIT"
               : now_ == "FIN_WAIT1"   ? "CLOSING"
               : now_ == "ESTABLISHED" ? "CLOSE_WAIT"
                                       : now_;
    }
}
