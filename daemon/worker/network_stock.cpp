#include "daemon/worker/network_stock.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include "common/kernel/network.hpp"
#include "common/kernel/signals_blocked.hpp"

namespace herd::worker {

NetworkStock::NetworkStock() {
  const kernel::SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

NetworkStock::~NetworkStock() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

Result<UniqueFd> NetworkStock::take(Kind kind) {
  std::unique_lock lock(mutex_);
  Shelf& shelf = shelves_[static_cast<std::size_t>(kind)];
  const std::uint64_t failures_before = shelf.failures;
  fill_below_half(shelf);
  made_.wait(lock, [&] { return !shelf.ready.empty() || shelf.failures != failures_before; });
  if (shelf.ready.empty()) return fail_in("network namespace", shelf.last_failure);
  UniqueFd taken = std::move(shelf.ready.back());
  shelf.ready.pop_back();
  fill_below_half(shelf);  // others may wait that came when it was full for a moment
  return taken;
}

void NetworkStock::fill_below_half(Shelf& shelf) {
  if (shelf.ready.size() > kMost / 2) return;
  shelf.is_filling = true;
  work_.notify_one();
}

void NetworkStock::run() {
  const Status limited = limit_own_thread();
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || next_to_fill() != nullptr; });
    if (stopping_) return;
    Shelf& shelf = *next_to_fill();
    const bool has_loopback = &shelf == &shelves_[static_cast<std::size_t>(Kind::loopback)];
    lock.unlock();
    auto made = limited ? make(has_loopback) : Result<UniqueFd>(tl::make_unexpected(limited.error()));
    lock.lock();
    put(shelf, std::move(made));
  }
}

/// The thread's way back is to a namespace of its own: without root it could not go back to the host's.
Result<UniqueFd> NetworkStock::make(bool loopback_up) {
  if (!has_left_host_) HERD_CHECK(kernel::enter_new_network_namespace());
  has_left_host_ = true;
  return kernel::make_network_namespace(loopback_up);
}

Status NetworkStock::limit_own_thread() {
  pthread_setname_np(pthread_self(), "network");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("PR_SET_NO_NEW_PRIVS");
  return {};
}

/// The emptiest: where somebody waits for one kind, the other one can do with what it has.
NetworkStock::Shelf* NetworkStock::next_to_fill() {
  Shelf* emptiest = nullptr;
  for (Shelf& shelf : shelves_)
    if (shelf.is_filling && (emptiest == nullptr || shelf.ready.size() < emptiest->ready.size()))
      emptiest = &shelf;
  return emptiest;
}

/// After a failure nothing is tried until somebody asks again.
void NetworkStock::put(Shelf& shelf, Result<UniqueFd> made) {
  if (made) {
    shelf.ready.push_back(std::move(*made));
    if (shelf.ready.size() >= kMost) shelf.is_filling = false;
  } else {
    shelf.last_failure = made.error();
    ++shelf.failures;
    shelf.is_filling = false;
  }
  made_.notify_all();
}

}  // namespace herd::worker
