#include "daemon/denials/notify_source.hpp"

#include <boost/asio/post.hpp>

namespace herd::denials {

class NotifySource::Watching : public Subscription {
 public:
  Watching(std::weak_ptr<NotifySource*> source, WorkerKey key) : source_(std::move(source)), key_(key) {}
  /// What is on its way is told first.
  ~Watching() override {
    with_answerer([&](Answerer& answerer) { answerer.remove(key_); });
    if (const auto source = source_.lock())
      (*source)->settle([weak = source_, key = key_] {
        if (const auto self = weak.lock()) (*self)->tell_.erase(key);
      });
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

  void set_cgroup(std::string, kernel::Freezer) override {}
  Status take_listener(UniqueFd listener, std::shared_ptr<const seccomp::Program> filter) override {
    HERD_TRY(auto asking,
             Asking::make(key_, std::move(listener), std::move(filter), std::chrono::steady_clock::now()));
    Status added = fail("herdd is stopping");
    with_answerer([&](Answerer& answerer) { added = answerer.add(std::move(asking)); });
    return added;
  }
  void let_run() override {
    with_answerer([&](Answerer& answerer) { answerer.let_run(key_); });
  }
  void let_go() override {
    with_answerer([&](Answerer& answerer) { answerer.let_go(key_); });
  }
  void settle(std::function<void()> done) override {
    if (const auto source = source_.lock()) (*source)->settle(std::move(done));
  }
  [[nodiscard]] bool was_held_back_since(SteadyTime time) const override {
    bool was_held = false;
    with_answerer([&](const Answerer& answerer) { was_held = answerer.was_held_since(key_, time); });
    return was_held;
  }

 private:
  template <typename Function>
  void with_answerer(Function function) const {
    const auto source = source_.lock();
    if (source && (*source)->answerer_) function(*(*source)->answerer_);
  }
  std::weak_ptr<NotifySource*> source_;
  WorkerKey key_;
};

NotifySource::NotifySource(boost::asio::io_context& io, std::function<void(const std::string&)> trouble)
    : io_(io), trouble_(std::move(trouble)), self_(std::make_shared<NotifySource*>(this)) {}

NotifySource::~NotifySource() = default;

void NotifySource::start() {
  answerer_ = std::make_unique<Answerer>([&io = io_, weak = std::weak_ptr(self_)](Answerer::Report report) {
    boost::asio::post(io, [weak, shared = std::make_shared<Answerer::Report>(std::move(report))] {
      if (const auto self = weak.lock()) (*self)->take(*shared);
    });
  });
}

std::unique_ptr<Subscription> NotifySource::watch(const Subject&, std::function<void(const News&)> tell) {
  if (!answerer_) start();
  const WorkerKey key = ++last_key_;
  tell_.emplace(key, std::move(tell));
  return std::make_unique<Watching>(self_, key);
}

Visibility NotifySource::visibility() const {
  Visibility visibility;
  visibility.seen = visibility.is_open = true;
  return visibility;
}

void NotifySource::settle(std::function<void()> done) {
  if (!answerer_) return boost::asio::post(io_, std::move(done));
  settling_.emplace(answerer_->settle(), std::move(done));
}

void NotifySource::take(const Answerer::Report& report) {
  if (!report.trouble.empty()) trouble_(report.trouble);
  for (const auto& [key, news] : report.news)
    if (const auto found = tell_.find(key); found != tell_.end()) found->second(news);
  if (answerer_) answerer_->taken();
  for (auto it = settling_.begin(); it != settling_.end() && it->first <= report.settled;) {
    const auto done = std::move(it->second);
    it = settling_.erase(it);
    done();
  }
}

}  // namespace herd::denials
