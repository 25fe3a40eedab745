// capture.cpp: the packets that a stage catches. packet(7), socket(7)
#include "stage.hpp"

#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

/// Catching packets is itself a socket. It sees what passes on one card. packet(7)
void Stage::capture(const char* card)
{
    capture_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(card));
    is_loopback_ = std::string_view(card) == "lo";
    const int on = 1;
    const int room = 4 << 20;
    if (capture_ == -1 ||
        ::bind(capture_, reinterpret_cast<sockaddr*>(&address), sizeof address) == -1 ||
        ::setsockopt(capture_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == -1) {
        throw_errno("catching packets (AF_PACKET)");
    }
    ::setsockopt(capture_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

/// Takes the next packet, if there is one. On loopback each passes twice, out and in.
bool Stage::take_frame()
{
    Frame frame;
    frame.bytes.resize(65536);
    sockaddr_ll from{};
    iovec block{frame.bytes.data(), frame.bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
    msghdr message{&from, sizeof from, &block, 1, control, sizeof control, 0};
    const ssize_t size = ::recvmsg(capture_, &message, 0);
    if (size == -1) {
        return false;
    }
    frame.bytes.resize(static_cast<std::size_t>(size));
    const cmsghdr* stamp = CMSG_FIRSTHDR(&message);
    if (stamp != nullptr && stamp->cmsg_type == SCM_TIMESTAMPNS) {
        timespec time{};
        std::memcpy(&time, CMSG_DATA(stamp), sizeof time);
        frame.time = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    }
    const bool is_second = is_loopback_ && from.sll_pkttype == PACKET_OUTGOING;
    if (!is_second && Packet(frame).kind != Packet::Kind::other) {
        frames.push_back(std::move(frame));
    }
    return true;
}
