#include "daemon/denials/audit_source.hpp"

#include <sys/stat.h>
#include <time.h>

#include <boost/asio/post.hpp>

#include "common/kernel/files.hpp"

namespace herd::denials {
namespace {

/// The clock that audit records have.
WallTime coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  constexpr long kNanosecondsInAMillisecond = 1'000'000;
  return WallTime(std::chrono::seconds(now.tv_sec) +
                  std::chrono::milliseconds(now.tv_nsec / kNanosecondsInAMillisecond));
}

/// Records number processes by the first pid namespace: in another one such a number is somebody else's.
bool is_in_first_pid_namespace() {
  constexpr ino_t kFirst = 0xEFFFFFFC;  // PROC_PID_INIT_INO, include/linux/proc_ns.h
  struct stat info {};
  return stat("/proc/self/ns/pid", &info) == 0 && info.st_ino == kFirst;
}

Registry::CgroupOf cgroup_lookup() {
  if (!is_in_first_pid_namespace()) return [](pid_t) { return std::string(); };
  return [](pid_t pid) {
    return kernel::read_file("/proc/" + std::to_string(pid) + "/cgroup", 1 << 14).value_or("");
  };
}

}  // namespace

class AuditSource::Watching : public Subscription {
 public:
  Watching(std::weak_ptr<AuditSource*> source, std::shared_ptr<Shared> shared,
           std::shared_ptr<Watched> watched)
      : source_(std::move(source)), shared_(std::move(shared)), watched_(std::move(watched)) {}
  ~Watching() override {
    const std::lock_guard lock(shared_->mutex);
    tell_trouble(thaw(*watched_));
    watched_->held_until.reset();
    watched_->freezer = {};  // an fd less, while it lingers
    watched_->ended = std::chrono::steady_clock::now();
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

  void set_cgroup(std::string path, kernel::Freezer freezer) override {
    const std::lock_guard lock(shared_->mutex);
    watched_->cgroup = std::move(path);
    watched_->freezer = std::move(freezer);
  }
  Status take_listener(UniqueFd, std::shared_ptr<const seccomp::Program>) override {
    return fail("its denied calls are read from the audit log");
  }
  void let_run() override {
    const std::lock_guard lock(shared_->mutex);
    tell_trouble(thaw(*watched_));
  }
  void let_go() override {
    const std::lock_guard lock(shared_->mutex);
    watched_->may_be_held = false;
    tell_trouble(thaw(*watched_));
  }
  void settle(std::function<void()> done) override {
    if (const auto source = source_.lock()) (*source)->settle(std::move(done));
  }
  [[nodiscard]] bool was_held_back_since(SteadyTime time) const override {
    const std::lock_guard lock(shared_->mutex);
    return watched_->held_until.has_value() || watched_->last_held >= time;
  }

 private:
  void tell_trouble(const Status& status) const {
    const auto source = source_.lock();
    if (!status && source) (*source)->callbacks_.trouble(status.error().message);
  }
  std::weak_ptr<AuditSource*> source_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Watched> watched_;
};

AuditSource::AuditSource(boost::asio::io_context& io, HoldBack::StartGuard start_guard, Callbacks callbacks)
    : io_(io),
      callbacks_(std::move(callbacks)),
      shared_(std::make_shared<Shared>(cgroup_lookup())),
      self_(std::make_shared<AuditSource*>(this)) {
  shared_->visibility.numbers_processes = is_in_first_pid_namespace();
  auto socket = AuditSocket::open();
  if (!socket) {
    shared_->visibility.seen = false;
    shared_->visibility.why_not = socket.error().message;
    return;
  }
  shared_->visibility.is_open = true;
  const auto deliver = [&io, weak = std::weak_ptr(self_)](Reader::Report report) {
    boost::asio::post(io, [weak, shared = std::make_shared<Reader::Report>(std::move(report))] {
      if (const auto self = weak.lock()) (*self)->take(*shared);
    });
  };
  reader_ = std::make_unique<Reader>(*shared_, std::move(*socket), std::move(start_guard), deliver);
}

AuditSource::~AuditSource() = default;

std::unique_ptr<Subscription> AuditSource::watch(const Subject& subject,
                                                 std::function<void(const News&)> tell) {
  auto watched = std::make_shared<Watched>();
  watched->key = ++last_key_;
  watched->subject = subject;
  watched->since = coarse_now();
  watched->bucket = {BudgetLimits{}.worker_burst, std::chrono::steady_clock::now()};
  if (reader_) tell_.emplace(watched->key, std::move(tell));
  const std::lock_guard lock(shared_->mutex);
  if (reader_) shared_->registry.add(watched);
  return std::make_unique<Watching>(self_, shared_, std::move(watched));
}

Visibility AuditSource::visibility() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->visibility;
}

void AuditSource::settle(std::function<void()> done) {
  if (!reader_) return boost::asio::post(io_, std::move(done));
  settling_.emplace(reader_->settle(), std::move(done));
}

void AuditSource::take(const Reader::Report& report) {
  if (report.visibility_changed) callbacks_.visibility_changed(visibility());
  if (!report.trouble.empty()) callbacks_.trouble(report.trouble);
  for (const auto& [key, news] : report.news)
    if (const auto found = tell_.find(key); found != tell_.end()) found->second(news);
  for (const WorkerKey key : report.forgotten) tell_.erase(key);
  if (reader_) reader_->taken();
  for (auto it = settling_.begin(); it != settling_.end() && it->first <= report.settled;) {
    const auto done = std::move(it->second);
    it = settling_.erase(it);
    done();
  }
}

}  // namespace herd::denials
