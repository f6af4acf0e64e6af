// One worker, from the order to start it until nothing of it is left. Acts; what should happen is the pool's
// to decide. Lives on the daemon's loop; its coroutines hold it alive until `gone`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/kernel/seqpacket.hpp"
#include "common/reason.hpp"
#include "config/pool_spec.hpp"
#include "daemon/denials/source.hpp"
#include "daemon/worker/filters.hpp"
#include "daemon/worker/listener.hpp"
#include "daemon/worker/output_reader.hpp"
#include "daemon/worker/plan_builder.hpp"
#include "daemon/worker/spawner.hpp"
#include "daemon/worker/uid_pool.hpp"
#include "daemon/worker/verify.hpp"
#include "protocol/launch/owner_line.hpp"

namespace herd::worker {

/// What all workers stand on, wired once by the app; outlives them.
struct Resources {
  boost::asio::io_context& io;
  Spawner& spawner;             // its thread has no-new-privs
  Spawner& privileged_spawner;  // for pools that say "no_new_privs": false
  UidPool& uids;
  Filters& filters;
  denials::Source& denials;              // by the audit log
  denials::Source& notified;             // for pools that say "denials": "notify"
  std::string sockets_directory;         // of those that workers listen on
  std::string notify_sockets_directory;  // of workers without a mount namespace
  SocketAccess socket_access;
  DaemonFacts daemon;
  kernel::OwnIds ids;
  std::vector<std::string>
      own_sockets;                // hidden from a worker that has the daemon's own uid: it would be admin
  std::set<std::uint16_t> ports;  // given to workers with listen: port
};

/// What a worker tells its pool's driver, on the loop; never from inside start() or stop().
struct WorkerCallbacks {
  std::function<void()> ready;      // it said so: now it is verified
  std::function<void()> verified;   // the kernel agreed
  std::function<void()> unhealthy;  // once
  std::function<void(Bytes)> memory;
  std::function<void(const denials::News&)> denied;  // also for a while after `gone`
  std::function<void(Reason)> gone;                  // last call but for `denied`
};

struct WorkerRecord {
  bool was_started = false;  // its program ran, if only for a moment
  std::optional<pid_t> pid;  // as the daemon sees it
  std::string address;
  std::uint32_t uid = 0;  // the host's number, where the daemon runs in a user namespace that it has made
  std::vector<Check> checks;
  std::vector<std::string> left_out;
  std::string status_text;  // STATUS= of sd_notify
};

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  Worker(Resources& resources, std::shared_ptr<const config::PoolSpec> pool, std::string id,
         WorkerCallbacks callbacks);

  /// Before start(): the worker's input and output in place of the daemon's pipes.
  void set_stdio(std::shared_ptr<const Stdio> stdio) { stdio_ = std::move(stdio); }
  /// Before start(), for a pool without an address: this socket in the place of a listener, as fd 3.
  void set_socket(UniqueFd socket) { socket_ = std::move(socket); }
  /// Before start(): it has a filter that asks about every call in the place of the pool's; `take` gets its
  /// listener, and whoever has that answers.
  void record(std::function<void(UniqueFd listener)> take) { take_recording_ = std::move(take); }
  void start();
  /// Stop signal, grace, then the whole tree. The first reason stays.
  void stop(Reason reason);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const WorkerRecord& record() const { return record_; }
  [[nodiscard]] const config::PoolSpec& spec() const { return *pool_; }
  [[nodiscard]] kernel::CgroupUsage usage() const { return cgroup_.usage(); }
  [[nodiscard]] OutputReader& output() { return output_; }
  [[nodiscard]] const config::PoolSpec& pool() const { return *pool_; }

 private:
  using Self = std::shared_ptr<Worker>;
  template <typename T = void>
  using Awaitable = boost::asio::awaitable<T>;
  /// Beyond the grace, for herd-exec to do its work before the cgroup is killed under it.
  static constexpr Duration kForceAfter{2000};

  Result<SpawnOrder> prepare();
  Status prepare_address(SpawnOrder& order, PlanParts& parts);
  Result<std::uint32_t> choose_uid();
  void watch_denials();
  void show_cgroup_to_denials();
  [[nodiscard]] denials::Source& denials_source() const;
  [[nodiscard]] bool is_notified() const {
    return pool_->sandbox.seccomp.denials == seccomp::Denials::notify;
  }
  void take_listener(kernel::Message message);
  void on_kills(const std::vector<denials::Kill>& kills);
  void on_shared_listener();
  void on_spawned(Spawner::Outcome<Spawned> spawned);
  void fail_start(const std::string& stage, const Error& error);
  bool read_messages();
  void on_message(kernel::Message message);
  void on_started(kernel::Message message);
  void on_relay_ended(const launch::RelayEnded& end);
  void on_socket(const launch::MadeSocket& answer, kernel::Message& message);
  void on_lost_fd();
  [[nodiscard]] bool has_relay() const { return plan_.relay_port != 0; }
  [[nodiscard]] bool has_seccomp() const {
    return plan_.seccomp_records || pool_->sandbox.seccomp.policy != config::SeccompPolicy::off;
  }
  Expectation expectation();
  void on_ready();
  bool owns_port();
  void note_landlock();
  void verify_now();
  void retry_verification();
  void stop_as_not_verified();
  void become_verified();
  void begin_stop(Reason reason, Duration grace);
  void send_stop(Duration grace);
  Reason final_reason();
  Reason reason_of_sigsys();
  std::optional<Reason> reason_of_kill();
  [[nodiscard]] const denials::Kill* own_kill() const;
  void release();

  void spawn_task(Awaitable<> task, const char* what);
  static Awaitable<> read_line(Self self);
  static Awaitable<> watch_ready_timeout(Self self);
  static Awaitable<> probe_until_ready(Self self);
  static Awaitable<std::string> probe(Self self, std::string http_path, Duration timeout);
  static Awaitable<Result<UniqueFd>> make_socket(Self self, Duration timeout);
  static Awaitable<> watch_health(Self self);
  static Awaitable<> watch_memory(Self self);
  static Awaitable<> watch_oom(Self self);
  static Awaitable<> force_stop(Self self, Duration after);
  static Awaitable<> wait_for_end(Self self);
  static Awaitable<> empty_cgroup(Self self);
  static Awaitable<> settle_denials(Self self);

  struct Timers {
    explicit Timers(boost::asio::io_context& io)
        : ready(io), stop(io), health(io), memory(io), oom(io), end(io), record(io) {}
    boost::asio::steady_timer ready, stop, health, memory, oom, end, record;
  };

  /// An order for a socket of the worker's network, until the answer or its time limit.
  struct SocketOrder {
    explicit SocketOrder(boost::asio::io_context& io) : limit(io) {}
    boost::asio::steady_timer limit;  // cancelled by the answer
    Result<UniqueFd> made = fail("herd-exec made no socket in time");
  };

  Resources& resources_;
  std::shared_ptr<const config::PoolSpec> pool_;
  std::string id_;
  WorkerCallbacks callbacks_;
  launch::Plan plan_;  // as ordered, for the proof
  launch::UsedFile root_directory_;
  int landlock_abi_ = 0;
  WorkerRecord record_;
  OutputReader output_;
  kernel::WorkerCgroup cgroup_;
  std::unique_ptr<denials::Subscription> denials_;
  std::vector<denials::Kill> kills_;  // by the filter, the latest; bounded
  std::uint64_t records_lost_before_ = 0;
  bool are_denials_settled_ = false;
  std::shared_ptr<const seccomp::Program> answers_;  // where its filter asks
  UniqueFd worker_pidfd_, relay_pidfd_;
  boost::asio::posix::stream_descriptor line_, init_pidfd_;
  std::optional<boost::asio::posix::stream_descriptor> oom_events_;
  Timers timers_;
  std::optional<std::uint16_t> port_;
  std::string socket_path_;
  UniqueFd socket_;                                                      // until start()
  std::map<std::uint64_t, std::shared_ptr<SocketOrder>> socket_orders_;  // one for each probe at work
  std::uint64_t last_socket_order_ = 0;
  std::shared_ptr<const Stdio> stdio_;
  std::function<void(UniqueFd)> take_recording_;

  std::chrono::milliseconds verify_pause_{0};
  int second_looks_ = 0;
  std::vector<Check> surroundings_;      // proven when the program started; the rest is, once it is ready
  std::optional<Reason> stop_reason_;    // why herd ends it
  std::optional<Reason> setup_failure_;  // what herd-exec reported
  std::optional<launch::Exited> exited_;
  std::optional<std::uint32_t> taken_uid_;
  bool is_spawned_ = false, is_ready_ = false, is_verified_ = false, is_gone_ = false;
  bool has_ended_ = false;     // of itself: what is asked of it from now on is not why
  std::string probe_failure_;  // of the last check of readiness
  bool is_out_of_time_ = false, told_port_taken_ = false, has_listener_ = false;
};

}  // namespace herd::worker
