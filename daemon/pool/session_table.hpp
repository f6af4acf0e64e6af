// The sessions that have a worker, who holds them, and which of them ends next.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "daemon/pool/pool.hpp"

namespace herd::pool {

struct Session {
  SessionName name;
  WorkerId worker;
  config::Lease lease = config::Lease::idle;
  Time started{}, last_used{};
  std::set<RequestId> holders;  // open `connection` leases, and holds

 private:
  friend class SessionTable;
  std::uint64_t number = 0;
  std::optional<Time> scheduled;
};

class SessionTable {
 public:
  Session& add(const SessionName& name, const WorkerId& worker, config::Lease lease, Time now);
  void erase(const SessionName& name);
  [[nodiscard]] Session* find(const SessionName& name);
  [[nodiscard]] const Session* find(const SessionName& name) const;

  void hold(Session& session, RequestId request);
  /// The session that it held, no longer held by it; null where it held none.
  Session* let_go(RequestId request);

  /// Asks for the session to be looked at by `end`. A later time than the one already planned changes
  /// nothing: each use of a session moves its end, and re-planning then costs nothing. Empty: it ends by
  /// itself never.
  void schedule(Session& session, std::optional<Time> end);
  /// A session whose planned time has come; its plan is gone.
  Session* pop_due(Time now);
  [[nodiscard]] std::optional<Time> next_due() const;

  [[nodiscard]] std::unordered_map<SessionName, Session>& all() { return all_; }
  [[nodiscard]] const std::unordered_map<SessionName, Session>& all() const { return all_; }

 private:
  void unschedule(Session& session);

  std::uint64_t last_number_ = 0;  // orders sessions that are due at the same time
  std::unordered_map<SessionName, Session> all_;
  std::unordered_map<RequestId, Session*> holders_;
  std::map<std::pair<Time, std::uint64_t>, Session*> due_;
};

}  // namespace herd::pool
