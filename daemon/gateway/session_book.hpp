// What the main thread knows of sessions: who waits for which, which are granted, on how many threads each is
// busy. Herdd is asked once for a session, however many threads want it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/gateway/session.hpp"

namespace herd::gateway {

struct Question {
  std::string pool, session;
  bool creates = true;
  auto operator<=>(const Question&) const = default;
};

class SessionBook {
 public:
  /// What it has done: the line to herdd, and the threads.
  class World {
   public:
    virtual void tell_herdd(const FromGateway& message) = 0;
    virtual void granted(std::size_t thread, const Question& question, const Grant& grant) = 0;
    virtual void refused(std::size_t thread, const Question& question, const Refused& refused) = 0;
    virtual void ended(const SessionEnded& ended) = 0;  // for all threads

   protected:
    ~World() = default;
  };
  explicit SessionBook(World& world) : world_(world) {}

  // From a thread.
  void ask(std::size_t thread, const Question& question);
  void take_back(std::size_t thread, const Question& question);
  void busy(const std::string& pool, const std::string& session, const std::string& worker);
  void rests(const std::string& pool, const std::string& session, const std::string& worker, TimePoint since);

  // From herdd.
  void on_granted(std::uint64_t request, const Grant& grant);
  void on_refused(const Refused& refused);
  void on_ended(const SessionEnded& ended);
  /// Nobody answers any more.
  void on_line_end();

  /// When Idle is told it is told in relation to this.
  void set_now(TimePoint now) { now_ = now; }

 private:
  using Key = std::pair<std::string, std::string>;  // pool and session
  struct Waiting {
    Question question;
    std::set<std::size_t> threads;
  };
  struct Granted {
    Grant grant;
    int busy_threads = 0;
    TimePoint rests_since{};
  };
  Granted* find(const std::string& pool, const std::string& session, const std::string& worker);

  World& world_;
  std::map<std::uint64_t, Waiting> waiting_;    // by request; without threads: taken back, and on its way
  std::map<Question, std::uint64_t> requests_;  // of those that are not taken back
  std::map<Key, Granted> granted_;
  std::uint64_t last_request_ = 0;
  TimePoint now_{};
  bool has_line_ = true;
};

}  // namespace herd::gateway
