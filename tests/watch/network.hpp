// network.hpp: a network of the test's own, in which nobody else has a port, and whose cable can be
// pulled.
#pragma once

#include <string>

namespace lab
{

/// Moves this process, and what it starts from now on, into a network namespace in which there is a
/// loopback interface and nothing else; without privileges, into a user namespace, too. False, with
/// the reason in `why`, where the system does not allow it. A second call makes another one, which
/// is empty again. Only for a process without threads. unshare(2), user_namespaces(7)
bool enter_private_network(std::string& why);

/// Switches a network card on or off: "lo". False, and `errno`, if that is not possible.
/// netdevice(7)
bool switch_card(const char* card, bool on);

} // namespace lab
