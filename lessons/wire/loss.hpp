// loss.hpp: packets that are lost because a scene wants it.
#pragma once

#include "stage.hpp"

/// Throws away what comes to one of a player's sockets, as if it had been lost on the way: a filter
/// on that socket, which lets nothing pass. socket(7), pidfd_getfd(2)
class Loss
{
  public:
    Loss(Stage& stage, const Player& player, int fd);
    /// Ends when a packet of this kind has been lost.
    void until(const std::function<bool(const Packet&)>& test);

  private:
    Stage& stage_;
    std::ptrdiff_t first_;
    Descriptor process_;
    Descriptor socket_;
};
