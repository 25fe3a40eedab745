// replay.hpp: conversations that are held again, with a fresh server, to tell apart the causes that
// look the same from outside. Each costs next to nothing where the server answers, since nothing is
// waited for then.
#pragma once

#include "harness.hpp"

#include <string>

namespace lab
{

/// True if a new client is welcomed now, and a greeting of its name comes back.
bool serves(Server& server, const std::string& name = "Yam");

/// For a server that served its first client, and now does not serve one: since when, and what that
/// looks like. Empty if a fresh server goes on serving after every kind of client that is tried.
std::string since_when(Server& server);

/// For a client that was dropped or not welcomed: whether it is every second one. Empty if not.
std::string every_second_client(Server& server);

/// For a name of so many bytes that is not greeted, where shorter ones are: the length from which
/// on that is so, and what usually has that size. Empty if no length makes the difference.
std::string from_which_length(Server& server, std::size_t bad);

/// True if a new client is answered just so often, and then the connection is closed.
bool ends_after(Server& server, std::size_t count);

/// True if the server starts a process for a client.
bool forks(Server& server);

} // namespace lab
