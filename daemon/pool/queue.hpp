// Acquires that wait for a worker: first come, first served by session; all requests for one session wait
// together.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/pool/pool.hpp"

namespace herd::pool {

struct Request {
  RequestId id = 0;
  Time deadline{};
  config::Lease lease = config::Lease::idle;
};

/// One session that has no worker yet, with everyone who asked for it, in order.
struct Waiting {
  SessionName session;
  std::list<Request> requests;
};

class Queue {
 public:
  void add(const SessionName& session, const Request& request);
  /// False where it is not queued. A session whose last request leaves loses its place.
  bool remove(RequestId id);
  /// The session that waited longest. The queue must not be empty.
  Waiting pop();
  /// One request whose time is up by `now`, with its session; removed.
  std::optional<std::pair<SessionName, RequestId>> pop_expired(Time now);
  std::vector<Waiting> take_all();

  [[nodiscard]] bool holds(RequestId id) const { return by_id_.contains(id); }
  [[nodiscard]] std::size_t requests() const { return by_id_.size(); }
  [[nodiscard]] std::size_t sessions() const { return waiting_.size(); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::optional<Time> next_deadline() const;

 private:
  struct Place {
    std::list<Waiting>::iterator waiting;
    std::list<Request>::iterator request;
  };
  std::list<Waiting> waiting_;
  std::unordered_map<SessionName, std::list<Waiting>::iterator> by_session_;
  std::unordered_map<RequestId, Place> by_id_;
  std::set<std::pair<Time, RequestId>> deadlines_;
};

}  // namespace herd::pool
