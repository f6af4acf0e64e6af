// Denied calls from workers whose filters ask: the loop's end of the answering thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>

#include "daemon/denials/answerer.hpp"
#include "daemon/denials/source.hpp"

namespace herd::denials {

class NotifySource : public Source {
 public:
  /// `trouble`: on the loop, a sentence for the log.
  NotifySource(boost::asio::io_context& io, std::function<void(const std::string&)> trouble);
  ~NotifySource() override;

  /// The thread begins with the first one. Throws std::system_error where there can be none.
  std::unique_ptr<Subscription> watch(const Subject& subject, std::function<void(const News&)> tell) override;
  /// Always seen: no call is denied unasked.
  [[nodiscard]] Visibility visibility() const override;
  /// Ends the thread; what comes later is not told.
  void stop() { answerer_.reset(); }

 private:
  class Watching;
  void start();
  void take(const Answerer::Report& report);
  void settle(std::function<void()> done);

  boost::asio::io_context& io_;
  std::function<void(const std::string&)> trouble_;
  std::map<WorkerKey, std::function<void(const News&)>> tell_;
  std::map<std::uint64_t, std::function<void()>> settling_;  // by the answerer's number
  WorkerKey last_key_ = 0;
  std::shared_ptr<NotifySource*> self_;  // for handlers that may come after this
  std::unique_ptr<Answerer> answerer_;
};

}  // namespace herd::denials
