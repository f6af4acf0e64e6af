#include "daemon/gateway/session.hpp"

#include <algorithm>

namespace herd::gateway {
namespace {

// Requests come in bursts: what a burst needed is not thrown away at its end.
constexpr std::chrono::seconds kRestBeforeTrim{2};

}  // namespace

Session::~Session() {
  close_resting();
}

void Session::join(SessionUser& user) {
  user.place_in_session = users_.size();
  users_.push_back(&user);
}

void Session::leave(SessionUser& user) {
  SessionUser* const last = users_.back();
  users_[user.place_in_session] = last;
  last->place_in_session = user.place_in_session;
  users_.pop_back();
}

/// A user may leave, or another one join, while they are told.
void Session::tell_users() {
  const std::vector<SessionUser*> users = users_;
  for (SessionUser* user : users) {
    const std::size_t place = user->place_in_session;
    if (place < users_.size() && users_[place] == user) user->on_session_changed();
  }
}

std::unique_ptr<WorkerConnection> Session::connection(WorkerUser& user, bool must_be_sure) {
  while (!resting_.empty()) {
    auto connection = std::move(resting_.back());
    resting_.pop_back();
    if (must_be_sure && !connection->is_quiet()) {
      connection->channel().close();
      loop_.retire(std::move(connection));
      continue;
    }
    connection->set_user(user);
    return connection;
  }
  return new_connection(user);
}

std::unique_ptr<WorkerConnection> Session::new_connection(WorkerUser& user) {
  return std::make_unique<WorkerConnection>(loop_, grant.place, user);
}

void Session::keep(std::unique_ptr<WorkerConnection> connection) {
  connection->rest(loop_.now());
  connection->set_user(*this);
  resting_.push_back(std::move(connection));
}

void Session::trim(std::size_t most) {
  while (resting_.size() > most && loop_.now() - resting_.front()->resting_since() > kRestBeforeTrim) {
    resting_.front()->channel().close();
    loop_.retire(std::move(resting_.front()));
    resting_.erase(resting_.begin());
  }
}

void Session::close_resting() {
  for (auto& connection : resting_) {
    connection->channel().close();
    loop_.retire(std::move(connection));
  }
  resting_.clear();
}

void Session::on_worker_events() {
  std::erase_if(resting_, [this](std::unique_ptr<WorkerConnection>& connection) {
    if (!connection->channel().is_readable()) return false;
    connection->channel().close();
    loop_.retire(std::move(connection));
    return true;
  });
}

}  // namespace herd::gateway
