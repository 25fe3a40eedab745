// plain_server.hpp: what the servers without threads share. They have nothing
// to finish when they are stopped.
#pragma once

#include "../common.hpp"

/// From now on Ctrl-C or SIGTERM ends the program at once, with exit status 0,
/// and no client waits for the screen. The kernel closes the sockets. signal(2)
inline void serve_until_ctrl_c()
{
    for (const int number : {SIGINT, SIGTERM}) {
        std::signal(number, [](int) { ::_exit(0); });
    }
    // A closed pipe behind standard output is no reason to stop.
    std::signal(SIGPIPE, SIG_IGN);
    never_wait_for_the_screen();
}
