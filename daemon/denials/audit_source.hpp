// Denied calls from the kernel's audit log: the loop's end of the reader.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>

#include "daemon/denials/hold_back.hpp"
#include "daemon/denials/reader.hpp"
#include "daemon/denials/source.hpp"

namespace herd::denials {

class AuditSource : public Source {
 public:
  /// On the loop.
  struct Callbacks {
    std::function<void(const Visibility&)> visibility_changed;
    std::function<void(const std::string&)> trouble;  // a sentence for the log
  };
  /// Where the audit log can't be read this is a source that tells nothing, and why. `start_guard` is called
  /// on the reader's thread.
  AuditSource(boost::asio::io_context& io, HoldBack::StartGuard start_guard, Callbacks callbacks);
  ~AuditSource() override;

  std::unique_ptr<Subscription> watch(const Subject& subject, std::function<void(const News&)> tell) override;
  [[nodiscard]] Visibility visibility() const override;
  /// Ends the thread and thaws whom it held; what comes later is not told.
  void stop() { reader_.reset(); }

 private:
  class Watching;
  void take(const Reader::Report& report);
  void settle(std::function<void()> done);

  boost::asio::io_context& io_;
  Callbacks callbacks_;
  std::shared_ptr<Shared> shared_;
  std::map<WorkerKey, std::function<void(const News&)>> tell_;
  std::map<std::uint64_t, std::function<void()>> settling_;  // by the reader's number
  WorkerKey last_key_ = 0;
  std::shared_ptr<AuditSource*> self_;  // for handlers that may come after this
  std::unique_ptr<Reader> reader_;
};

}  // namespace herd::denials
