// common.hpp: the one header that a program includes, as the notebook begins
// with its imports.
//
//     import socket           common/socket.hpp        Socket, Address, resolve
//     import threading, time  <thread>; serving.hpp    clients served, Ctrl-C
//     print                   common/screen.hpp        print, log, visible
//     import argparse         common/command_line.hpp  CommandLine, report
//     b'Yam', b'May', ...     common/names.hpp         Names
//
// Each can be read without the others.
// To follow server.cpp and client.cpp, none of them is needed.
#pragma once

#include "common/command_line.hpp"
#include "common/names.hpp"
#include "common/screen.hpp"
#include "common/serving.hpp"
#include "common/socket.hpp"

#include <thread>
