// show.hpp: plays a scene, and shows what there is to be seen of it.
#pragma once

#include "common/command_line.hpp"
#include "scenes.hpp"

/// On standard output, and in the files that are asked for on the command line.
void show(const Scene& scene, const Cast& cast, const CommandLine& given);
