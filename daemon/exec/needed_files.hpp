// What has to be in a root for a program to start in it.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"

namespace herd::exec {

/// The files that the kernel and the loader open before `program`, below the directory `root`, runs its own
/// code: it itself, the interpreter of a script, the loader, its cache and the libraries (ld.so(8),
/// execve(2)). Their paths as they are opened, with the links that are in them. `library_path`: what
/// LD_LIBRARY_PATH will hold. What a program opens by itself (plug-ins, a script language's modules) can't be
/// known. Nothing is executed.
Result<std::vector<std::string>> needed_files(int root, const std::string& program,
                                              const std::vector<std::string>& library_path);

}  // namespace herd::exec
