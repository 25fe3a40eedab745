#include "network.hpp"
#include "tests/watch/network.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

namespace
{

/// Changes something about a network card of this process's network. netdevice(7)
void set_card(const char* card, unsigned long what, const std::function<void(ifreq&)>& fill)
{
    const Descriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    ifreq request{};
    std::strncpy(request.ifr_name, card, sizeof request.ifr_name - 1);
    fill(request);
    if (::ioctl(fd, what, &request) == -1) {
        throw_errno("the card " + std::string(card));
    }
}

/// Asks for a pair of virtual cards. The request is built of attributes within attributes, each
/// with its length before it. rtnetlink(7)
class WireRequest
{
  public:
    WireRequest(const char* one, const char* other, int other_network)
    {
        header()->nlmsg_type = RTM_NEWLINK;
        header()->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
        add(nullptr, sizeof(nlmsghdr) + sizeof(ifinfomsg));
        put(IFLA_IFNAME, one, std::strlen(one) + 1);
        put(IFLA_ADDRESS, "\x02\0\0\0\0\x01", 6);
        within(IFLA_LINKINFO, [&] {
            put(IFLA_INFO_KIND, "veth", 4);
            within(IFLA_INFO_DATA, [&] {
                within(VETH_INFO_PEER, [&] {
                    const ifinfomsg none{};
                    add(&none, sizeof none);
                    put(IFLA_IFNAME, other, std::strlen(other) + 1);
                    put(IFLA_ADDRESS, "\x02\0\0\0\0\x02", 6);
                    put(IFLA_NET_NS_FD, &other_network, sizeof other_network);
                });
            });
        });
    }
    void send()
    {
        const Descriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
        header()->nlmsg_len = static_cast<std::uint32_t>(size_);
        struct {
            nlmsghdr header;
            nlmsgerr error;
            char rest[512];
        } answer{};
        if (::send(fd, buffer_, size_, 0) == -1 || ::recv(fd, &answer, sizeof answer, 0) == -1) {
            throw_errno("a virtual wire");
        }
        if (answer.error.error != 0) {
            errno = -answer.error.error;
            throw_errno("a virtual wire (veth)");
        }
    }

  private:
    nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_); }
    void add(const void* data, std::size_t size)
    {
        if (data != nullptr) {
            std::memcpy(buffer_ + size_, data, size);
        }
        size_ += NLMSG_ALIGN(size);
    }
    void put(int type, const void* data, std::size_t size)
    {
        const rtattr attribute{static_cast<unsigned short>(RTA_LENGTH(size)),
                               static_cast<unsigned short>(type)};
        add(&attribute, sizeof attribute);
        add(data, size);
    }
    void within(int type, const std::function<void()>& fill)
    {
        const std::size_t begin = size_;
        put(type, "", 0);
        fill();
        const auto length = static_cast<unsigned short>(size_ - begin);
        std::memcpy(buffer_ + begin, &length, sizeof length);
    }

    alignas(nlmsghdr) char buffer_[512] = {};
    std::size_t size_ = 0;
};

} // namespace

void set_address(const char* card, const char* address)
{
    for (const auto& [what, text] :
         {std::pair(SIOCSIFADDR, address), std::pair(SIOCSIFNETMASK, "255.255.255.0")}) {
        set_card(card, static_cast<unsigned long>(what), [&, number = text](ifreq& request) {
            sockaddr_in ip{};
            ip.sin_family = AF_INET;
            inet_pton(AF_INET, number, &ip.sin_addr);
            std::memcpy(&request.ifr_addr, &ip, sizeof ip);
        });
    }
}

void make_like_ethernet(const char* card)
{
    set_card(card, SIOCSIFMTU, [](ifreq& request) { request.ifr_mtu = ETH_DATA_LEN; });
    for (const std::uint32_t help :
         {std::uint32_t{ETHTOOL_STSO}, std::uint32_t{ETHTOOL_SGSO}}) { // no help by the card
        ethtool_value off{help, 0};
        set_card(card, SIOCETHTOOL,
                 [&](ifreq& request) { request.ifr_data = reinterpret_cast<char*>(&off); });
    }
}

void join(const char* one, const char* other, int other_network)
{
    WireRequest(one, other, other_network).send();
}

void enter_own_network()
{
    std::string why;
    if (::access("/proc/self", F_OK) == -1) {
        throw std::runtime_error("this system does not allow a network of one's own to be looked "
                                 "at: /proc is not mounted.");
    }
    if (!lab::enter_private_network(why)) {
        throw std::runtime_error("this system does not allow a network of one's own (namespaces). "
                                 "As an ordinary user, try it with sudo.");
    }
}
