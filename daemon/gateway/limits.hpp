// The limits by their names, and the count of clients' connections, which all threads share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "protocol/gateway/settings.hpp"

namespace herd::gateway {

enum class Limit : std::size_t {
  header_bytes,
  headers,
  header_timeout,
  body_timeout,
  keep_alive_timeout,
  connect_timeout,
  connections,
  connections_of_address,
  request_timeout,
  tunnel_idle_timeout,
};

inline constexpr std::array kLimitNames{
    "header_bytes",    "headers",     "header_timeout",         "body_timeout",    "keep_alive_timeout",
    "connect_timeout", "connections", "connections_of_address", "request_timeout", "tunnel_idle_timeout"};

/// Asked once for each connection, so it may have a lock.
class Admission {
 public:
  enum class Answer { yes, too_many, too_many_of_address };
  /// `address` empty: a unix socket's client.
  Answer enter(const std::string& address, const Limits& limits);
  /// For each `yes`.
  void leave(const std::string& address);
  [[nodiscard]] std::size_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::map<std::string, int> of_address_;
  std::atomic<std::size_t> open_ = 0;  // written under mutex_
};

}  // namespace herd::gateway
