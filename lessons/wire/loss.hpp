// loss.hpp: packets that are lost because a scene wants it.
#pragma once

#include "stage.hpp"

/// Throws away what comes to one of a player's sockets, as if it had been lost on the way: a filter
/// on that socket, which lets nothing pass. socket(7), pidfd_getfd(2)
class Loss
{
  public:
    /// `inode` is the socket's number. Throws if it is not the player's.
    Loss(Stage& stage, const Player& player, unsigned long inode);
    /// Ends when a packet of this kind has been lost.
    void until(const std::function<bool(const Packet&)>& test);

  private:
    Stage& stage_;
    std::ptrdiff_t first_;
    Descriptor socket_;
};
