// What herdd is to its host: root, or an ordinary user in a user namespace of its own.
#pragma once

#include <string>

#include "common/error.hpp"
#include "common/kernel/user_namespace.hpp"
#include "config/host.hpp"

namespace herd::daemon {

struct Host {
  kernel::OwnIds ids;
  config::HostFacts facts;
  std::string uid_lock_file;      // one for all daemons that may give the same uids
  std::string program_directory;  // where herdd's own program is

  /// In words: who runs herdd, and whose uids workers get.
  [[nodiscard]] std::string user() const;
  /// Where there are no ids for workers: a sentence with what to do.
  [[nodiscard]] std::string why_no_auto_uid() const;
};

/// First of all that herdd does, while it has one thread: an ordinary user's herdd puts itself into
/// namespaces of its own, and is uid 0 from then on.
Result<Host> settle_on_host();

}  // namespace herd::daemon
