#include "daemon/control/core.hpp"

#include <cstdio>
#include <utility>
#include <vector>

#include "daemon/control/connection.hpp"

namespace herd::control {
namespace {

void report_to_stderr(const std::string& message) {
  std::fprintf(stderr, "control socket: %s\n", message.c_str());
}

}  // namespace

Core::Core(Service& service, Limits limits, Report report)
    : service_(&service), limits_(limits), report_(report ? std::move(report) : report_to_stderr) {}

Core::Admission Core::admission(std::uint32_t uid) const {
  const auto mine = per_uid_.find(uid);
  const bool uid_is_full = mine != per_uid_.end() && mine->second >= limits_.connections_per_uid;
  if (!uid_is_full && connections_.size() - refused_ < limits_.connections_total) return Admission::welcome;
  return refused_ < limits_.refusals_at_once ? Admission::refused : Admission::turned_away;
}

void Core::add(const std::shared_ptr<Connection>& connection) {
  connections_.emplace(connection.get(), connection);
  if (connection->is_refused()) {
    ++refused_;
  } else {
    ++per_uid_[connection->peer().uid];
  }
}

void Core::remove(Connection& connection) {
  if (connections_.erase(&connection) == 0) return;
  if (connection.is_refused()) {
    --refused_;
  } else if (const auto mine = per_uid_.find(connection.peer().uid); --mine->second == 0) {
    per_uid_.erase(mine);
  }
  if (connections_.empty() && on_empty_) std::exchange(on_empty_, nullptr)();
}

void Core::for_each_connection(void (Connection::*call)()) {
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, connection] : connections_) all.push_back(connection.lock());
  for (const auto& connection : all) {
    if (connection) (connection.get()->*call)();
  }
}

void Core::stop(std::function<void()> done) {
  stopping_ = true;
  on_empty_ = std::move(done);
  for_each_connection(&Connection::stop);
  if (connections_.empty() && on_empty_) std::exchange(on_empty_, nullptr)();
}

void Core::abandon() {
  service_ = nullptr;
  stopping_ = true;
  on_empty_ = nullptr;
  for_each_connection(&Connection::abort);
}

}  // namespace herd::control
