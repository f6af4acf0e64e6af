// The sessions that one thread knows. What it does not know it asks the main thread, once, however many
// requests wait.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "daemon/gateway/counters.hpp"
#include "daemon/gateway/session.hpp"

namespace herd::gateway {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <typename Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// What a thread has of a pool. Stays as long as the thread.
struct ThreadPool {
  std::string name;
  PoolCounters& counters;
  TextMap<std::shared_ptr<Session>> sessions;  // that wait or are granted
};

/// The main thread, as the others see it.
class Questions {
 public:
  virtual void ask(const std::string& pool, const std::string& session, bool creates) = 0;
  virtual void take_back(const std::string& pool, const std::string& session, bool creates) = 0;
  virtual void busy(const std::string& pool, const std::string& session, const std::string& worker) = 0;
  virtual void rests(const std::string& pool, const std::string& session, const std::string& worker,
                     TimePoint since) = 0;

 protected:
  ~Questions() = default;
};

class Sessions {
 public:
  Sessions(Loop& loop, Counters& counters, Questions& questions)
      : loop_(loop), counters_(counters), questions_(questions) {}

  ThreadPool& pool(std::string_view name);
  /// The session, which may still have to be asked for; the user has joined it.
  std::shared_ptr<Session> join(ThreadPool& pool, std::string_view name, bool creates, SessionUser& user);
  /// The user's request is over, or it no longer waits.
  void leave(const std::shared_ptr<Session>& session, SessionUser& user);
  /// From here on until end_use() the session does not rest.
  void begin_use(const std::shared_ptr<Session>& session, Milliseconds hold);
  void end_use(Session& session);

  void on_granted(const std::string& pool, const std::string& session, bool creates, const Grant& grant);
  void on_refused(const std::string& pool, const std::string& session, bool creates, const Refused& refused);
  void on_ended(const SessionEnded& ended);

  void tick(std::size_t max_resting_connections);
  [[nodiscard]] bool needs_ticks() const { return !held_.empty(); }

 private:
  std::shared_ptr<Session> find_asking(const std::string& pool, const std::string& session, bool creates);

  Loop& loop_;
  Counters& counters_;
  Questions& questions_;
  TextMap<std::unique_ptr<ThreadPool>> pools_;
  std::vector<std::shared_ptr<Session>> held_;
};

}  // namespace herd::gateway
