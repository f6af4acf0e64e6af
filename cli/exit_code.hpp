// What scripts can rely on; also in --help and in herdctl(1).
#pragma once

namespace herd::cli {

enum ExitCode : int {
  kOk = 0,
  kRefused = 1,      // the daemon said no
  kUsage = 2,        // the command line is wrong
  kNotFound = 3,     // no such pool, worker or session; check: the files have issues
  kTryAgain = 4,     // queue full, pool failed, daemon not ready, time ran out
  kUnreachable = 5,  // no answer from the daemon
  kForbidden = 6,
  kLacking = 7,          // doctor: this host lacks what every pool needs
  kCommandNotRun = 127,  // acquire, run, seccomp record: the command could not be started
};

int exit_code_for(unsigned http_status);

}  // namespace herd::cli
