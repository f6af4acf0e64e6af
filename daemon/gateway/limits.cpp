#include "daemon/gateway/limits.hpp"

namespace herd::gateway {

Admission::Answer Admission::enter(const std::string& address, const Limits& limits) {
  const std::lock_guard lock(mutex_);
  if (open_ >= static_cast<std::size_t>(limits.connections)) return Answer::too_many;
  if (!address.empty()) {
    int& count = of_address_[address];
    if (count >= limits.connections_of_address) return Answer::too_many_of_address;
    ++count;
  }
  ++open_;
  return Answer::yes;
}

void Admission::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  --open_;
  if (address.empty()) return;
  const auto found = of_address_.find(address);
  if (--found->second == 0) of_address_.erase(found);
}

}  // namespace herd::gateway
