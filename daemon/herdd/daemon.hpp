// The daemon: the pools, what they stand on, and what the control socket asks of them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/kernel/cgroup.hpp"
#include "common/kernel/own_cgroup.hpp"
#include "config/load.hpp"
#include "daemon/control/server.hpp"
#include "daemon/control/service.hpp"
#include "daemon/denials/audit_source.hpp"
#include "daemon/denials/notify_source.hpp"
#include "daemon/herdd/access.hpp"
#include "daemon/herdd/gateway_service.hpp"
#include "daemon/herdd/host.hpp"
#include "daemon/herdd/id_counter.hpp"
#include "daemon/herdd/pool_driver.hpp"
#include "daemon/herdd/run_service.hpp"
#include "daemon/herdd/signals.hpp"

namespace herd::daemon {

class Daemon : public control::Service {
 public:
  /// Takes the control socket first (a second daemon stops here), then cleans up what an earlier one left.
  static Result<std::unique_ptr<Daemon>> create(config::Loaded loaded, Host host);
  ~Daemon() override;

  /// Until SIGTERM or SIGINT; returns when nothing is left.
  void run();

  [[nodiscard]] config::Role role_of(const control::Peer& peer) const override;
  [[nodiscard]] std::string describe(const control::Peer& peer) const override;
  [[nodiscard]] bool is_client_of(const control::Peer& peer, const std::string& pool) const override;
  [[nodiscard]] Json status() const override;
  [[nodiscard]] Json pools() const override;
  [[nodiscard]] control::ApiResult<Json> pool(const std::string& pool) const override;
  [[nodiscard]] Json workers() const override;
  [[nodiscard]] control::ApiResult<Json> pool_workers(const std::string& pool) const override;
  [[nodiscard]] control::ApiResult<Json> worker(const std::string& id) const override;
  [[nodiscard]] Json sessions() const override;
  [[nodiscard]] control::ApiResult<Json> pool_sessions(const std::string& pool) const override;
  [[nodiscard]] control::ApiResult<Json> session(const std::string& pool,
                                                 const std::string& name) const override;
  [[nodiscard]] std::string metrics() const override;
  [[nodiscard]] bool is_ready() const override;
  [[nodiscard]] Json config_schema() const override;
  std::uint64_t acquire(const control::AcquireCall& call,
                        std::function<void(control::ApiResult<control::AcquireResult>)> done) override;
  void cancel_acquire(std::uint64_t request) override;
  void lease_closed(std::uint64_t request) override;
  control::ApiResult<Json> release(const std::string& pool, const std::string& session) override;
  control::ApiResult<Json> scale(const std::string& pool, const control::ScaleCall& call) override;
  control::ApiResult<Json> drain(const std::string& pool) override;
  control::ApiResult<Json> resume(const std::string& pool) override;
  control::ApiResult<Json> restart(const std::string& pool) override;
  control::ApiResult<Json> stop_worker(const std::string& id) override;
  control::ApiResult<Json> reload(bool dry_run) override;
  [[nodiscard]] control::EventRing& events() override { return events_; }
  [[nodiscard]] std::shared_ptr<LogRing> logs(const std::string& worker) override;

 private:
  /// What has to be there before the daemon is: made by create() in order, each a reason not to start.
  struct Parts {
    config::Loaded loaded;
    Host host;
    std::string runtime_directory;
    gid_t socket_group;
    UniqueFd control_socket, executor, root_lock, sockets_lock;
    kernel::OwnCgroup own_cgroup;
    kernel::Cgroups cgroups;
    worker::UidPool uids;
    IdCounter ids;
    worker::DaemonFacts facts;
    std::string gateway_program, gateway_key;
    GatewayListeners::Sockets gateway_sockets;
  };
  explicit Daemon(Parts parts);
  static Result<Parts> make_parts(config::Loaded loaded, Host host);

  void add_pool(config::PoolSpec spec);
  void on_pool_finished(const std::string& name);
  void begin_shutdown();
  void finish_shutdown();
  void log_reload_on_signal();
  void note(const std::string& type, const std::string& message);
  void note_visibility(const denials::Visibility& visibility);

  GatewayDesk gateway_desk();
  std::uint64_t hold(const std::string& pool, const std::string& session, const std::string& worker);
  void let_go(std::uint64_t hold, Duration rested);
  void stop_pools();

  [[nodiscard]] PoolDriver* find(const std::string& pool) const;
  [[nodiscard]] control::ApiResult<PoolDriver*> require(const std::string& pool) const;
  [[nodiscard]] PoolDriver* owner_of_worker(const std::string& id) const;
  control::ApiResult<Json> tell(const std::string& pool, pool::Event event);

  boost::asio::io_context io_{1};  // one thread runs it
  Parts parts_;
  Access access_;
  control::EventRing events_;
  worker::Filters filters_;
  denials::AuditSource denials_;
  denials::NotifySource notified_;
  worker::NetworkStock networks_;
  worker::Spawner spawner_, privileged_spawner_;
  worker::Resources resources_;
  std::map<std::string, std::unique_ptr<PoolDriver>> drivers_;
  std::map<std::string, config::PoolSpec>
      returning_;  // added again while the old one of that name is still ending
  std::map<std::uint64_t, std::string> request_pools_;
  std::uint64_t last_request_ = 0;
  std::uint64_t generation_ = 1;
  bool is_stopping_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  Signals signals_;
  RunService runs_;
  GatewayService gateway_;
  control::Server server_;
};

}  // namespace herd::daemon
