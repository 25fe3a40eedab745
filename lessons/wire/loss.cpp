#include "loss.hpp"

#include <algorithm>

#include <linux/filter.h>

Loss::Loss(Stage& stage, const Player& player, unsigned long inode)
    : stage_(stage), first_(static_cast<std::ptrdiff_t>(stage.frames.size())),
      socket_(lab::copy_of_socket(player.pid(), inode), "pidfd_getfd")
{
    sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    const sock_fprog filter{1, &nothing};
    if (::setsockopt(socket_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == -1) {
        throw_errno("a filter");
    }
}

void Loss::until(const std::function<bool(const Packet&)>& test)
{
    const auto is_meant = [&](const Frame& frame) { return test(Packet(frame)); };
    stage_.watch_until("A packet would have been lost, and sent again.", [&] {
        return std::any_of(stage_.frames.begin() + first_, stage_.frames.end(), is_meant);
    });
    const int none = 0;
    ::setsockopt(socket_, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
    for (auto frame = stage_.frames.begin() + first_; frame != stage_.frames.end(); ++frame) {
        frame->is_lost = is_meant(*frame);
    }
}
