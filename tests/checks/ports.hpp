// ports.hpp: what is judged may have one port only, the notebook's, which others may have, too.
#pragma once

#include "tests/watch/sentence.hpp"

namespace lab
{

/// True if what is judged can only have the notebook's port.
bool uses_fixed_port();

/// A program that has the notebook's port, whatever is asked for, is right, too: from now on it is
/// judged there. Which port it has, is tried.
void accept_fixed_ports();

/// Where the run shares the network with everyone: who has port 9999, in plain words; empty if it
/// is free.
Sentence who_has_the_port();

/// Waits until connections that ended a moment ago no longer hold the port: TIME_WAIT, in tcp(7).
void wait_for_the_port();

} // namespace lab
