// The directories that a worker's root has to have: its own /dev, /proc, /run and /tmp are mounted on them.
#pragma once

namespace herd {

inline constexpr const char* kRootPlaces[] = {"dev", "proc", "run", "tmp"};

}  // namespace herd
