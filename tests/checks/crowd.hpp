// crowd.hpp: clients that come in one instant.
#pragma once

#include "harness.hpp"

namespace lab
{

/// Lets five clients connect while the server is stopped for a moment, so that it finds them all at
/// once. Success if each is welcomed once, and printed once. `lacks_room`: the backlog had no room
/// for all of them, and the kernel keeps some waiting, which are not looked at. listen(2)
testing::AssertionResult serves_five_in_one_instant(Server& server, bool& lacks_room);

/// Lets 20 clients come, and leave in one instant, several times. Success if what is printed about
/// them is whole lines.
testing::AssertionResult prints_whole_lines();

} // namespace lab
