// One session as one thread knows it: whose answer it waits for, its worker, the connections to it that rest.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/gateway/worker_connection.hpp"
#include "protocol/gateway/line.hpp"

namespace herd::gateway {

struct ThreadPool;

struct Grant {
  std::string worker;
  std::shared_ptr<const WorkerPlace> place;
};

/// A request that needs a session's worker, from its question to its end.
class SessionUser {
 public:
  virtual void on_session_changed() = 0;
  std::size_t place_in_session = 0;  // the session's own

 protected:
  ~SessionUser() = default;
};

class Session final : public WorkerUser {
 public:
  enum class State { asking, granted, refused, ended };

  Session(Loop& loop, ThreadPool& of_pool, std::string its_name, bool may_create)
      : pool(of_pool), name(std::move(its_name)), creates(may_create), loop_(loop) {}
  ~Session();

  ThreadPool& pool;
  const std::string name;
  const bool creates;  // as it was asked for
  State state = State::asking;
  Grant grant;         // once granted
  Refused refused;     // once refused
  SessionEnded ended;  // once ended

  bool is_held = false;  // herdd counts it as busy for this thread
  TimePoint rests_since;
  Milliseconds hold{};
  int open = 0;  // requests and tunnels that keep it busy

  void join(SessionUser& user);
  void leave(SessionUser& user);
  [[nodiscard]] bool has_users() const { return !users_.empty(); }
  void tell_users();

  /// A connection to the worker: one that rests, or a new one.
  std::unique_ptr<WorkerConnection> connection(WorkerUser& user, bool must_be_sure);
  std::unique_ptr<WorkerConnection> new_connection(WorkerUser& user);
  void keep(std::unique_ptr<WorkerConnection> connection);
  /// Closes those beyond `most` that have rested for long.
  void trim(std::size_t most);
  void close_resting();
  /// A resting connection of its own is closed by the worker.
  void on_worker_events() override;

 private:
  Loop& loop_;
  std::vector<SessionUser*> users_;
  std::vector<std::unique_ptr<WorkerConnection>> resting_;  // the last one rests for the shortest time
};

}  // namespace herd::gateway
