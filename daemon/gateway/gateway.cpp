#include "daemon/gateway/gateway.hpp"

#include <fcntl.h>

#include <cstdio>

#include "common/kernel/memfd.hpp"

namespace herd::gateway {
namespace {

constexpr std::chrono::seconds kReportPeriod{1};
constexpr int kMaxThreads = 256;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace

/// One that serves, and the way from it to the main thread.
class Gateway::Thread final : private Questions {
 public:
  Thread(Gateway& gateway, std::size_t index, std::unique_ptr<Loop> loop, const Settings& settings)
      : gateway_(gateway), index_(index), server(std::move(loop), settings, gateway.admission_, *this) {
    thread = std::thread([this] { server.run(); });
  }

 private:
  template <typename Call>
  void post(Call call) {
    gateway_.loop_->post([this, call = std::move(call)] {
      gateway_.book_.set_now(gateway_.loop_->now());
      call(gateway_.book_);
    });
  }
  void ask(const std::string& pool, const std::string& session, bool creates) override {
    post([index = index_, question = Question{pool, session, creates}](SessionBook& book) {
      book.ask(index, question);
    });
  }
  void take_back(const std::string& pool, const std::string& session, bool creates) override {
    post([index = index_, question = Question{pool, session, creates}](SessionBook& book) {
      book.take_back(index, question);
    });
  }
  void busy(const std::string& pool, const std::string& session, const std::string& worker) override {
    post([=](SessionBook& book) { book.busy(pool, session, worker); });
  }
  void rests(const std::string& pool, const std::string& session, const std::string& worker,
             TimePoint since) override {
    post([=](SessionBook& book) { book.rests(pool, session, worker, since); });
  }

  Gateway& gateway_;
  const std::size_t index_;

 public:
  Server server;
  std::thread thread;
};

Gateway::Gateway(std::unique_ptr<Loop> loop, UniqueFd line, UniqueFd signals)
    : loop_(std::move(loop)), line_(*loop_, std::move(line)), signals_(std::move(signals)), book_(*this) {}

template <typename Call>
void Gateway::post_to_all(const Call& call) {
  for (const auto& thread : threads_) {
    Server* const server = &thread->server;
    server->loop().post([server, call] { call(*server); });
  }
}

Gateway::~Gateway() {
  post_to_all([](Server& server) { server.loop().stop(); });
  for (const auto& thread : threads_) thread->thread.join();
}

Result<std::unique_ptr<Gateway>> Gateway::start(UniqueFd line, UniqueFd signals) {
  HERD_TRY(auto loop, Loop::create());
  auto gateway = std::unique_ptr<Gateway>(new Gateway(std::move(loop), std::move(line), std::move(signals)));
  HERD_TRY(const Settings settings, gateway->line_.read_settings());
  HERD_CHECK(gateway->start_threads(settings));
  return gateway;
}

Status Gateway::start_threads(const Settings& settings) {
  if (settings.threads < 1 || settings.threads > kMaxThreads) return fail("the number of threads is not one");
  std::vector<std::unique_ptr<Loop>> loops;
  for (int i = 0; i < settings.threads; ++i) {
    HERD_TRY(auto loop, Loop::create());
    loops.push_back(std::move(loop));
  }
  for (auto& loop : loops)
    threads_.push_back(std::make_unique<Thread>(*this, threads_.size(), std::move(loop), settings));
  serving_ = threads_.size();
  return {};
}

Status Gateway::run() {
  HERD_CHECK(signals_.open(*loop_, [this] { stop(); }));
  HERD_CHECK(line_.open(
      [this](ToGateway message, UniqueFd fd) { on_message(std::move(message), std::move(fd)); },
      [this](const std::string& why) {
        std::fprintf(stderr, "herd-gateway: %s; the sessions that are known are served on\n", why.c_str());
        book_.on_line_end();
      }));
  loop_->run(
      kReportPeriod, [this] { report(); }, [] { return true; });
  report();
  return {};
}

// ---- from herdd
// -------------------------------------------------------------------------------------------

void Gateway::on_message(ToGateway message, UniqueFd fd) {
  std::visit(Overloaded{[&](const Configure&) { configure(fd); },
                        [&](const AddListener& add) { add_listener(add.address, fd); },
                        [&](const RemoveListener& remove) {
                          post_to_all([address = remove.address](Server& server) {
                            server.remove_listener(address);
                          });
                        },
                        [&](const Granted& granted) { on_granted(granted, std::move(fd)); },
                        [&](const Refused& refused) { book_.on_refused(refused); },
                        [&](const SessionEnded& ended) { book_.on_ended(ended); }},
             message);
}

void Gateway::configure(const UniqueFd& memfd) {
  const auto settings = settings_of(memfd);
  if (!settings) {
    std::fprintf(stderr, "herd-gateway: %s; it goes on with what it was told before\n",
                 settings.error().message.c_str());
    return;
  }
  post_to_all([settings = *settings](Server& server) { server.configure(settings); });
}

void Gateway::add_listener(const std::string& address, const UniqueFd& socket) {
  if (is_stopping_) return;
  const int flags = fcntl(socket.get(), F_GETFL);
  fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK);
  for (const auto& thread : threads_) {
    Server* const server = &thread->server;
    auto copy = std::make_shared<UniqueFd>(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    server->loop().post([server, address, copy] { server->add_listener(address, std::move(*copy)); });
  }
}

void Gateway::on_granted(const Granted& granted, UniqueFd path) {
  auto place = worker_place(granted.address, std::move(path));
  if (!place)
    return book_.on_refused({granted.request, 502, "worker_gone", place.error().message, "", std::nullopt});
  book_.on_granted(granted.request, {granted.worker, std::move(*place)});
}

// ---- to herdd and the threads
// -----------------------------------------------------------------------------

void Gateway::tell_herdd(const FromGateway& message) {
  line_.send(message);
}

void Gateway::granted(std::size_t thread, const Question& question, const Grant& grant) {
  Server* const server = &threads_[thread]->server;
  server->loop().post([server, question, grant] {
    server->sessions().on_granted(question.pool, question.session, question.creates, grant);
  });
}

void Gateway::refused(std::size_t thread, const Question& question, const Refused& refused) {
  Server* const server = &threads_[thread]->server;
  server->loop().post([server, question, refused] {
    server->sessions().on_refused(question.pool, question.session, question.creates, refused);
  });
}

void Gateway::ended(const SessionEnded& ended) {
  post_to_all([ended](Server& server) { server.sessions().on_ended(ended); });
}

void Gateway::report() {
  Statistics sum;
  for (const auto& thread : threads_) std::as_const(thread->server).counters().add_to(sum);
  if (sum == reported_) return;
  auto memfd = kernel::sealed_memfd("statistics", to_json(sum));
  if (!memfd) return;
  line_.send(Report{}, std::move(*memfd));
  reported_ = std::move(sum);
}

// ---- the end
// -------------------------------------------------------------------------------------------

void Gateway::stop() {
  if (std::exchange(is_stopping_, true)) return;
  post_to_all([this](Server& server) {
    server.drain([this] {
      loop_->post([this] {
        if (--serving_ == 0) loop_->stop();
      });
    });
  });
}

}  // namespace herd::gateway
