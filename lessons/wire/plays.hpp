// plays.hpp: what is played in the scenes: who starts when, and what is lost.
#pragma once

#include "cast.hpp"

namespace plays
{

void session(Stage& stage, const Cast& cast);
void two_hosts(Stage& stage, const Cast& cast);
void refused(Stage& stage, const Cast& cast);
void lost_syn(Stage& stage, const Cast& cast);
void full(Stage& stage, const Cast& cast);
void lost_data(Stage& stage, const Cast& cast);
void killed(Stage& stage, const Cast& cast);
void side_by_side(Stage& stage, const Cast& cast); ///< three clients at once
void in_turn(Stage& stage, const Cast& cast);      ///< the same, of a server without threads
void udp(Stage& stage, const Cast& cast);
void udp_refused(Stage& stage, const Cast& cast);
/// The client is this program's own; its acts are in players.cpp.
void with_part(Stage& stage, const Cast& cast, std::vector<std::string> acts,
               const std::string& delay = "0.1");
/// Without a server that was given both are this program's own: the lab's reads at once, and this
/// one waits until all has come.
void sends_much(Stage& stage, const Cast& cast, std::vector<std::string> acts);

bool is_name(const Packet& packet);     ///< that a client sends
bool is_question(const Packet& packet); ///< of ARP

} // namespace plays
