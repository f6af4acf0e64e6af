// `herdctl run`: one command in exactly a pool's sandbox, on the caller's own input and output.
//
// It is a worker like the pool's others (same plan, same proof, a cgroup of its own) but not one of the pool:
// it serves no session and counts in no limit of the pool's. It ends with its connection.
//
// `herdctl seccomp record POOL`: the same, with the pool's own command too, and the listener of a filter that
// asks about every call goes to the caller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "config/daemon_spec.hpp"
#include "daemon/control/service.hpp"
#include "daemon/denials/history.hpp"
#include "daemon/herdd/file_closer.hpp"
#include "daemon/pool/pool.hpp"
#include "daemon/worker/worker.hpp"
#include "protocol/run/messages.hpp"

namespace herd::daemon {

class RunService {
 public:
  /// What it asks of the daemon.
  struct Context {
    worker::Resources& resources;
    pool::IdSource& ids;
    std::function<const config::PoolSpec*(const std::string& pool)> find_pool;  // null: unknown
    std::function<config::Role(const control::Peer&)> role_of;
    std::function<std::string(const control::Peer&)> describe;
    std::function<void(const std::string& type, const std::string& message)> note;  // an event
  };
  explicit RunService(Context context);
  ~RunService();

  Status start(const std::string& path, const worker::SocketAccess& access);
  /// Ends all commands; `done` once the last is gone.
  void stop(std::function<void()> done);

 private:
  struct Run;
  static boost::asio::awaitable<void> accept(RunService& self);
  static boost::asio::awaitable<void> serve(RunService& self, std::shared_ptr<Run> run);
  Result<config::PoolSpec> spec_of(const run::Request& request, const control::Peer& peer,
                                   std::string& code) const;
  void receive(const std::shared_ptr<Run>& run);
  void begin(const std::shared_ptr<Run>& run, kernel::Message& message);
  [[nodiscard]] bool needs_exec(const std::string& pool) const;
  static void pass_listener(Run& run, run::Caught caught, const UniqueFd& listener);
  void tell(const std::string& id, const std::vector<denials::History::Told>& told) const;
  void finish(const std::shared_ptr<Run>& run, const Reason& reason);
  void answer(const std::shared_ptr<Run>& run, const run::Answer& answer);
  void forget(const std::shared_ptr<Run>& run);

  Context context_;
  FileCloser closer_;
  std::optional<boost::asio::posix::stream_descriptor> listener_;
  std::string path_;
  std::set<std::shared_ptr<Run>> runs_;
  std::function<void()> stopped_;
};

}  // namespace herd::daemon
