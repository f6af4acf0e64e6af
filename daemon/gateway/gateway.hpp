// All of a gateway, wired together: the main thread with the line and the book of sessions, and the threads
// that serve.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemon/gateway/limits.hpp"
#include "daemon/gateway/line.hpp"
#include "daemon/gateway/loop.hpp"
#include "daemon/gateway/server.hpp"
#include "daemon/gateway/session_book.hpp"
#include "daemon/gateway/signals.hpp"

namespace herd::gateway {

class Gateway final : private SessionBook::World {
 public:
  /// Reads the settings and starts the threads, which serve nobody yet.
  static Result<std::unique_ptr<Gateway>> start(UniqueFd line, UniqueFd signals);
  ~Gateway();

  /// Until SIGTERM, and then until all that is open is finished.
  Status run();

 private:
  class Thread;

  Gateway(std::unique_ptr<Loop> loop, UniqueFd line, UniqueFd signals);
  Status start_threads(const Settings& settings);
  void on_message(ToGateway message, UniqueFd fd);
  void on_granted(const Granted& granted, UniqueFd path);
  void configure(const UniqueFd& memfd);
  void add_listener(const std::string& address, const UniqueFd& socket);
  void stop();
  void report();
  template <typename Call>
  void post_to_all(const Call& call);

  void tell_herdd(const FromGateway& message) override;
  void granted(std::size_t thread, const Question& question, const Grant& grant) override;
  void refused(std::size_t thread, const Question& question, const Refused& refused) override;
  void ended(const SessionEnded& ended) override;

  std::unique_ptr<Loop> loop_;
  Line line_;
  Signals signals_;
  Admission admission_;
  SessionBook book_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::size_t serving_ = 0;  // threads that are not drained
  bool is_stopping_ = false;
  Statistics reported_;
};

}  // namespace herd::gateway
