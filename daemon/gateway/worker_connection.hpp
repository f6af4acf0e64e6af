// One connection to a worker: used by one request at a time, kept by its session between two.
#pragma once

#include <memory>

#include "daemon/gateway/channel.hpp"
#include "daemon/gateway/worker_place.hpp"

namespace herd::gateway {

/// Who is told of a worker's connection.
class WorkerUser {
 public:
  virtual void on_worker_events() = 0;

 protected:
  ~WorkerUser() = default;
};

class WorkerConnection final : public Watcher {
 public:
  enum class State { connecting, open, failed };

  WorkerConnection(Loop& loop, std::shared_ptr<const WorkerPlace> place, WorkerUser& user);

  /// Tries to connect, or looks at what has become of it.
  State connect();
  void on_events(std::uint32_t events) override;

  void set_user(WorkerUser& user) { user_ = &user; }
  [[nodiscard]] Channel& channel() { return channel_; }
  /// An answer has come over it before: it may be closed by now for having been idle.
  [[nodiscard]] bool is_used() const { return is_used_; }
  void rest(TimePoint now) {
    is_used_ = true;
    resting_since_ = now;
  }
  [[nodiscard]] TimePoint resting_since() const { return resting_since_; }
  /// Asks the kernel whether the worker has closed it, or said something unasked.
  [[nodiscard]] bool is_quiet() const;

 private:
  State begin();

  Loop& loop_;
  std::shared_ptr<const WorkerPlace> place_;
  WorkerUser* user_;
  Channel channel_;
  TimePoint resting_since_;
  bool is_connected_ = false, is_used_ = false;
};

}  // namespace herd::gateway
