// times.hpp: every time that a program is given, and why it is just so long. A condition is waited
// for; these say when nothing more is expected. All of them are of a program that is at rest: while
// it works, it is given more (Program::until).
#pragma once

#include <chrono>

namespace lab
{

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

} // namespace lab

namespace lab::times
{

// What a program does, and does at once.
constexpr Seconds moment{0.1}; ///< what happens together with what was seen: an end, a second text
constexpr Seconds soon{0.5};   ///< a line, an end, a close, behind what has caused it
constexpr Seconds in_a_burst{0.3}; ///< the same, where many clients wait for it
constexpr Seconds a_while{1};      ///< a client's last acts, a server's way back to recv
constexpr Seconds silence{
    1.3}; ///< nothing for so long: it is silent, and not in the notebook's second
constexpr Seconds rest{0.7}; ///< of an answer, of which a part is there
constexpr Seconds delayed{
    0.06}; ///< what is sent besides waits for an acknowledgement, 40 ms at most

// What it must not do.
constexpr Seconds quiet{0.25};   ///< who would speak out of turn has spoken by then
constexpr Seconds a_second{0.8}; ///< most of the notebook's pause, which a client has to wait for
constexpr Seconds idle{2.3};     ///< of a client, where no calls tell which time-out is set
constexpr Seconds longest_idle{12}; ///< and for longer than one that is set, up to so many

// Pauses, which are measured in the program.
constexpr Seconds late{0.5}; ///< how much longer a pause is on a busy machine
constexpr double most{0.8};  ///< the part of a pause that has to be kept
constexpr double half{0.5};  ///< the part at which two of them are told apart

// Starting and ending.
constexpr Seconds to_start{25};    ///< Java compiles for seconds when other checks run beside it
constexpr Seconds to_listen{2};    ///< at rest, before it listens: it will not
constexpr Seconds to_connect{2};   ///< to somebody who listens: there is no room in the backlog
constexpr Seconds to_arrive{4};    ///< the same for a burst: the kernel tries again after 1 and 3 s
constexpr Seconds to_compile{300}; ///< both programs, on a slow machine
constexpr Seconds to_be_marked{60}; ///< the same in a marking, whose limit is 180 s for all of it
constexpr Seconds to_end{2};        ///< for a sandbox's processes, behind the sandbox
constexpr Seconds to_leave{65};     ///< TIME_WAIT, in which a port is held, takes 60 s. tcp(7)

// Looking.
constexpr Seconds between_looks{0.005};   ///< at a condition
constexpr Seconds between_readings{0.02}; ///< of /proc, which cost more
constexpr Seconds to_mix{0.4};            ///< others are at work on their lines at the same time
constexpr Seconds to_answer{0.5};         ///< a thread that is interrupted stops at once
constexpr Seconds of_a_poll{0.0002};      ///< while one thread is held, the others are served

} // namespace lab::times
