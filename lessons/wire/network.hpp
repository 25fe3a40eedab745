// network.hpp: networks of one's own, and what is to be set about them. namespaces(7),
// netdevice(7), veth(4), rtnetlink(7)
#pragma once

#include "common/socket.hpp"

/// A descriptor that is closed in the end.
class Descriptor
{
  public:
    Descriptor(int fd, const char* call) : fd_(fd)
    {
        if (fd == -1) {
            throw_errno(call);
        }
    }
    ~Descriptor() { ::close(fd_); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    operator int() const { return fd_; } // NOLINT: as what it is

  private:
    int fd_;
};

/// Enters a network that nobody else is in. Without privileges, that takes a user namespace, too,
/// in which this process may do to the network what root may. Throws where the system does not
/// allow it. unshare(2)
void enter_own_network();

/// Gives a card its address, in a network of 256.
void set_address(const char* card, const char* address);

/// Makes a card cut what is sent into segments that fit on a real wire; loopback's own are large.
void make_like_ethernet(const char* card);

/// Joins two networks with a wire: a pair of virtual cards, `one` here, `other` in the network
/// behind that descriptor. veth(4)
void join(const char* one, const char* other, int other_network);
