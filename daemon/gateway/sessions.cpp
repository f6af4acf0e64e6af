#include "daemon/gateway/sessions.hpp"

namespace herd::gateway {

using State = Session::State;

ThreadPool& Sessions::pool(std::string_view name) {
  if (const auto found = pools_.find(name); found != pools_.end()) return *found->second;
  std::string text(name);
  auto made = std::make_unique<ThreadPool>(ThreadPool{text, counters_.pool(text), {}});
  return *pools_.emplace(std::move(text), std::move(made)).first->second;
}

std::shared_ptr<Session> Sessions::join(ThreadPool& pool, std::string_view name, bool creates,
                                        SessionUser& user) {
  if (const auto found = pool.sessions.find(name); found != pool.sessions.end()) {
    found->second->join(user);
    return found->second;
  }
  auto session = std::make_shared<Session>(loop_, pool, std::string(name), creates);
  pool.sessions.emplace(session->name, session);
  session->join(user);
  questions_.ask(pool.name, session->name, creates);
  return session;
}

void Sessions::leave(const std::shared_ptr<Session>& session, SessionUser& user) {
  session->leave(user);
  if (session->state != State::asking || session->has_users()) return;
  questions_.take_back(session->pool.name, session->name, session->creates);
  session->pool.sessions.erase(session->name);
}

void Sessions::begin_use(const std::shared_ptr<Session>& session, Milliseconds hold) {
  session->hold = hold;
  ++session->open;
  if (session->is_held) return;
  session->is_held = true;
  held_.push_back(session);
  questions_.busy(session->pool.name, session->name, session->grant.worker);
}

void Sessions::end_use(Session& session) {
  if (--session.open == 0) session.rests_since = loop_.now();
}

std::shared_ptr<Session> Sessions::find_asking(const std::string& name, const std::string& session,
                                               bool creates) {
  ThreadPool& of = pool(name);
  const auto found = of.sessions.find(session);
  if (found == of.sessions.end()) return nullptr;
  const auto& known = found->second;
  return known->state == State::asking && known->creates == creates ? known : nullptr;
}

void Sessions::on_granted(const std::string& pool, const std::string& session, bool creates,
                          const Grant& grant) {
  const auto asking = find_asking(pool, session, creates);
  if (!asking) return;  // all who asked have gone
  asking->grant = grant;
  asking->state = State::granted;
  asking->tell_users();
}

void Sessions::on_refused(const std::string& pool, const std::string& session, bool creates,
                          const Refused& refused) {
  const auto asking = find_asking(pool, session, creates);
  if (!asking) return;
  asking->pool.sessions.erase(session);
  asking->refused = refused;
  asking->state = State::refused;
  asking->tell_users();
}

void Sessions::on_ended(const SessionEnded& ended) {
  ThreadPool& of = pool(ended.pool);
  const auto found = of.sessions.find(ended.session);
  if (found == of.sessions.end()) return;
  const auto session = found->second;
  if (session->state != State::granted || session->grant.worker != ended.worker) return;
  of.sessions.erase(found);
  session->ended = ended;
  session->state = State::ended;
  session->close_resting();
  session->tell_users();
}

void Sessions::tick(std::size_t max_resting_connections) {
  std::erase_if(held_, [&](const std::shared_ptr<Session>& session) {
    if (session->state == State::ended) return true;
    session->trim(max_resting_connections);
    if (session->open > 0 || loop_.now() - session->rests_since < session->hold) return false;
    session->is_held = false;
    questions_.rests(session->pool.name, session->name, session->grant.worker, session->rests_since);
    return true;
  });
}

}  // namespace herd::gateway
