#include "daemon/gateway/session_book.hpp"

#include <algorithm>

#include "daemon/gateway/refusal.hpp"

namespace herd::gateway {
namespace {

Refused line_is_over() {
  const Refusal refusal = no_daemon("");
  return {0,
          static_cast<unsigned>(refusal.status),
          refusal.code,
          refusal.message,
          refusal.hint,
          refusal.retry_after_seconds};
}

}  // namespace

void SessionBook::ask(std::size_t thread, const Question& question) {
  if (const auto known = granted_.find({question.pool, question.session}); known != granted_.end())
    return world_.granted(thread, question, known->second.grant);
  if (!has_line_) return world_.refused(thread, question, line_is_over());
  if (const auto asked = requests_.find(question); asked != requests_.end()) {
    waiting_[asked->second].threads.insert(thread);
    return;
  }
  const std::uint64_t request = ++last_request_;
  requests_[question] = request;
  waiting_[request] = {question, {thread}};
  world_.tell_herdd(Acquire{request, question.pool, question.session, question.creates});
}

void SessionBook::take_back(std::size_t thread, const Question& question) {
  const auto asked = requests_.find(question);
  if (asked == requests_.end()) return;
  auto& threads = waiting_[asked->second].threads;
  threads.erase(thread);
  if (!threads.empty()) return;
  world_.tell_herdd(Cancel{asked->second});
  requests_.erase(asked);
}

void SessionBook::on_granted(std::uint64_t request, const Grant& grant) {
  const auto found = waiting_.find(request);
  if (found == waiting_.end()) return;
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  const Question& question = waiting.question;
  if (const auto asked = requests_.find(question); asked != requests_.end() && asked->second == request)
    requests_.erase(asked);
  Granted& granted = granted_[{question.pool, question.session}];
  if (granted.grant.worker != grant.worker) granted = {grant};
  for (const std::size_t thread : waiting.threads) world_.granted(thread, question, granted.grant);
}

void SessionBook::on_refused(const Refused& refused) {
  const auto found = waiting_.find(refused.request);
  if (found == waiting_.end()) return;
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  if (const auto asked = requests_.find(waiting.question);
      asked != requests_.end() && asked->second == refused.request)
    requests_.erase(asked);
  for (const std::size_t thread : waiting.threads) world_.refused(thread, waiting.question, refused);
}

void SessionBook::on_ended(const SessionEnded& ended) {
  if (find(ended.pool, ended.session, ended.worker) == nullptr) return;
  granted_.erase({ended.pool, ended.session});
  world_.ended(ended);
}

void SessionBook::on_line_end() {
  has_line_ = false;
  const auto waiting = std::exchange(waiting_, {});
  requests_.clear();
  for (const auto& [request, question] : waiting) {
    for (const std::size_t thread : question.threads)
      world_.refused(thread, question.question, line_is_over());
  }
}

void SessionBook::busy(const std::string& pool, const std::string& session, const std::string& worker) {
  Granted* granted = find(pool, session, worker);
  if (granted != nullptr && granted->busy_threads++ == 0) world_.tell_herdd(Busy{pool, session, worker});
}

void SessionBook::rests(const std::string& pool, const std::string& session, const std::string& worker,
                        TimePoint since) {
  Granted* granted = find(pool, session, worker);
  if (granted == nullptr || granted->busy_threads == 0) return;
  granted->rests_since = std::max(granted->rests_since, since);
  if (--granted->busy_threads > 0) return;
  const auto ago = std::chrono::duration_cast<Milliseconds>(now_ - granted->rests_since);
  world_.tell_herdd(Idle{pool, session, worker, std::max(ago, Milliseconds(0))});
}

SessionBook::Granted* SessionBook::find(const std::string& pool, const std::string& session,
                                        const std::string& worker) {
  const auto found = granted_.find({pool, session});
  return found != granted_.end() && found->second.grant.worker == worker ? &found->second : nullptr;
}

}  // namespace herd::gateway
