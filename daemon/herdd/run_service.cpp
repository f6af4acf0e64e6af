#include "daemon/herdd/run_service.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>

#include "common/log.hpp"
#include "daemon/herdd/views.hpp"

namespace herd::daemon {
namespace {

namespace asio = boost::asio;
using asio::as_tuple;
using asio::use_awaitable;
using asio::posix::descriptor_base;

constexpr std::size_t kMaxRuns = 64;
constexpr std::size_t kMaxClosing = 256;  // beyond it nobody new is let in
constexpr auto kRequestDeadline = std::chrono::seconds(10);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

std::optional<control::Peer> peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return control::Peer{credentials.uid, credentials.gid, credentials.pid};
}

/// A directory would be a way out of the sandbox's root: openat(fd, ".."). A terminal that is somebody's own
/// could be read and set by the command, also after the caller took it back.
Status check_files(const std::vector<UniqueFd>& fds, bool is_terminal) {
  if (fds.size() != 3) return fail("a run request carries stdin, stdout and stderr");
  for (const UniqueFd& fd : fds) {
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return fail_errno("stat a passed file");
    if (S_ISDIR(info.st_mode) || S_ISBLK(info.st_mode))
      return fail("stdin, stdout and stderr can't be a directory or a disk");
    if ((isatty(fd.get()) == 1) != is_terminal)
      return fail("stdin, stdout and stderr are either one terminal, made for the command, or none");
    const int flags = fcntl(fd.get(), F_GETFL);
    if (flags < 0 || (flags & O_PATH) != 0) return fail("stdin, stdout and stderr have to be open files");
  }
  return {};
}

/// A command's files. Whoever has them last, be it the spawner, does not wait for their close.
class CommandFiles {
 public:
  CommandFiles(FileCloser closer, std::vector<UniqueFd>& fds, bool is_terminal)
      : closer_(std::move(closer)),
        stdio_{std::move(fds[0]), std::move(fds[1]), std::move(fds[2]), is_terminal} {}
  ~CommandFiles() {
    std::vector<UniqueFd> files;
    for (UniqueFd* file : {&stdio_.input, &stdio_.output, &stdio_.error}) files.push_back(std::move(*file));
    closer_.close(std::move(files));
  }
  CommandFiles(const CommandFiles&) = delete;
  CommandFiles& operator=(const CommandFiles&) = delete;
  [[nodiscard]] const worker::Stdio& stdio() const { return stdio_; }

 private:
  FileCloser closer_;
  worker::Stdio stdio_;
};

asio::awaitable<void> rest(asio::io_context& io) {
  asio::steady_timer timer(io, kAcceptPause);
  co_await timer.async_wait(as_tuple(use_awaitable));
}

run::Answer to_answer(const Reason& reason, bool was_started) {
  run::Answer answer;
  answer.started = true;
  switch (reason.kind) {
    case ReasonKind::exited:
      answer.exit_code = reason.code;
      return answer;
    case ReasonKind::signaled:
      answer.exit_code = 128 + reason.signal;
      break;
    case ReasonKind::oom_killed:
      answer.exit_code = 128 + SIGKILL;
      break;
    case ReasonKind::denied_syscall:
      answer.exit_code = 128 + SIGSYS;
      break;
    case ReasonKind::stopped:
      answer.started = was_started;
      answer.exit_code = 128 + SIGTERM;
      break;
    default:
      answer.started = false;
  }
  answer.code = std::string(name(reason.kind));
  answer.message = describe(reason);
  return answer;
}

}  // namespace

struct RunService::Run {
  explicit Run(asio::io_context& io, UniqueFd fd) : connection(io, fd.release()), deadline(io) {}
  asio::posix::stream_descriptor connection;
  asio::steady_timer deadline;
  std::shared_ptr<worker::Worker> worker;
  denials::History denials;
};

RunService::RunService(Context context) : context_(std::move(context)) {}
RunService::~RunService() = default;

Status RunService::start(const std::string& path, const worker::SocketAccess& access) {
  HERD_TRY(worker::Listener listener, worker::listen_unix(path, access, SOCK_SEQPACKET));
  path_ = path;
  listener_.emplace(context_.resources.io, listener.fd.release());
  asio::co_spawn(context_.resources.io, accept(*this), log_failure("run socket"));
  return {};
}

asio::awaitable<void> RunService::accept(RunService& self) {
  while (self.listener_->is_open()) {
    if (self.closer_.threads() >= kMaxClosing) {
      co_await rest(self.context_.resources.io);
      continue;
    }
    const auto [error] =
        co_await self.listener_->async_wait(descriptor_base::wait_read, as_tuple(use_awaitable));
    if (error || !self.listener_->is_open()) co_return;
    UniqueFd fd(accept4(self.listener_->native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd && errno != EAGAIN && errno != ECONNABORTED) {
      // Out of fds or memory: the connection stays in the queue, and asking again at once would be all that
      // is done.
      co_await rest(self.context_.resources.io);
      continue;
    }
    if (!fd) continue;
    if (self.runs_.size() >= kMaxRuns || self.stopped_) {
      self.closer_.close_socket(std::move(fd));
      continue;
    }
    auto run = std::make_shared<Run>(self.context_.resources.io, std::move(fd));
    self.runs_.insert(run);
    asio::co_spawn(self.context_.resources.io, serve(self, run), log_failure("run a command"));
  }
}

/// The first message is the request; whatever comes after it, or the connection's end, ends the command.
asio::awaitable<void> RunService::serve(RunService& self, std::shared_ptr<Run> run) {
  run->deadline.expires_after(kRequestDeadline);
  run->deadline.async_wait([run](const boost::system::error_code& error) {
    boost::system::error_code ignored;  // it may have been closed in this very moment
    if (!error) run->connection.cancel(ignored);
  });
  const auto [error] =
      co_await run->connection.async_wait(descriptor_base::wait_read, as_tuple(use_awaitable));
  run->deadline.cancel();
  if (error) co_return self.forget(run);
  self.receive(run);
  if (!run->worker) co_return self.forget(run);
  co_await run->connection.async_wait(descriptor_base::wait_read, as_tuple(use_awaitable));
  if (run->worker) run->worker->stop(Reason{ReasonKind::stopped});
}

void RunService::receive(const std::shared_ptr<Run>& run) {
  const int connection = run->connection.native_handle();
  const auto size = kernel::next_message_size(connection);
  if (!size || *size == 0) return;
  if (*size > kernel::kMaxMessage)  // not taken: its files would be closed here
    return answer(run, {false, 0, "bad_request", "the request is too long"});
  auto message = kernel::receive_message(connection, false);
  if (!message) return;
  begin(run, *message);
  closer_.close(std::move(message->fds));
}

/// The pool's definition with another command, which knows nothing of herd.
Result<config::PoolSpec> RunService::spec_of(const run::Request& request, const control::Peer& peer,
                                             std::string& code) const {
  code = "forbidden";
  if (context_.role_of(peer) < config::Role::operator_)
    return fail("only operators may run commands in a pool's sandbox");
  if (request.records && context_.role_of(peer) < config::Role::admin)
    return fail("only admins may record in a pool's sandbox: no filter is in force there meanwhile");
  code = "unknown_pool";
  const config::PoolSpec* pool = context_.find_pool(request.pool);
  if (pool == nullptr) return fail("no pool '" + request.pool + "'");
  code = "bad_request";
  const bool is_pools_own = request.records && request.command.empty();
  if (!is_pools_own && (request.command.empty() || request.command.size() > run::kMaxWords ||
                        !request.command.front().starts_with('/')))
    return fail("the command begins with an absolute path");
  config::PoolSpec spec = *pool;
  if (!is_pools_own) spec.command = request.command;
  if (!request.terminal_type.empty()) spec.environment["TERM"] = request.terminal_type;
  if (!is_pools_own) spec.listen = config::Listen::none;
  spec.ready = {config::ReadyKind::started, "", spec.ready.timeout};
  spec.health.reset();
  spec.recycle = {};
  spec.sandbox.seccomp.enter = config::SeccompEnter::exec;
  if (request.records) spec.sandbox.seccomp = {.policy = config::SeccompPolicy::off};
  return spec;
}

void RunService::begin(const std::shared_ptr<Run>& run, kernel::Message& message) {
  const auto refuse = [&](const std::string& code, const Error& error) {
    answer(run, {false, 0, code, error.message});
  };
  if (stopped_) return refuse("stopping", Error{"herdd is stopping", 0});
  const auto request = run::parse_request(message.text);
  if (!request) return refuse("bad_request", request.error());
  const auto peer = peer_of(run->connection.native_handle());
  if (!peer) return refuse("forbidden", Error{"the peer is unknown", 0});
  std::string code;
  auto spec = spec_of(*request, *peer, code);
  if (!spec) return refuse(code, spec.error());
  // After the role: even to look at a stranger's file may wait for it.
  if (auto checked = check_files(message.fds, request->is_terminal); !checked)
    return refuse("bad_request", checked.error());

  const std::string id = spec->name + "-" + std::to_string(context_.ids.next());
  worker::WorkerCallbacks callbacks;
  callbacks.ready = callbacks.verified = callbacks.unhealthy = [] {};
  callbacks.memory = [](Bytes) {};
  callbacks.denied = [this, id, weak = std::weak_ptr(run)](const denials::News& news) {
    if (const auto told_to = weak.lock())
      tell(id,
           told_to->denials.add(news, std::chrono::system_clock::now(), std::chrono::steady_clock::now()));
  };
  callbacks.gone = [this, run](const Reason& reason) { finish(run, reason); };
  context_.note("run_started", id + ": " + context_.describe(*peer) +
                                   (request->records ? " records " : " runs ") + spec->command.front());
  const run::Caught caught{spec->command, "", needs_exec(request->pool)};
  run->worker = std::make_shared<worker::Worker>(context_.resources,
                                                 std::make_shared<const config::PoolSpec>(std::move(*spec)),
                                                 id, std::move(callbacks));
  const auto files = std::make_shared<CommandFiles>(closer_, message.fds, request->is_terminal);
  run->worker->set_stdio({files, &files->stdio()});
  if (request->records)
    run->worker->record([weak = std::weak_ptr(run), caught](UniqueFd listener) {
      if (const auto caller = weak.lock()) pass_listener(*caller, caught, listener);
    });
  run->worker->start();
}

bool RunService::needs_exec(const std::string& pool) const {
  const config::PoolSpec* spec = context_.find_pool(pool);
  return spec != nullptr && spec->sandbox.seccomp.enter == config::SeccompEnter::exec;
}

/// A client that left: its calls get ENOSYS until it is stopped.
void RunService::pass_listener(Run& run, run::Caught caught, const UniqueFd& listener) {
  if (run.worker) caught.address = run.worker->record().address;
  const int fd = listener.get();
  (void)kernel::send_message(run.connection.native_handle(), run::to_json(caught), std::span(&fd, 1));
}

void RunService::tell(const std::string& id, const std::vector<denials::History::Told>& told) const {
  for (const auto& [entry, count] : told)
    context_.note("seccomp_denied", id + ": " + describe_denial(to_json(entry), count));
}

void RunService::finish(const std::shared_ptr<Run>& run, const Reason& reason) {
  tell(run->worker->id(), run->denials.due({}, true));
  context_.note("run_ended", run->worker->id() + ": " + describe(reason));
  const bool was_started = run->worker->record().was_started;
  run->worker.reset();
  answer(run, to_answer(reason, was_started));
  forget(run);
}

void RunService::answer(const std::shared_ptr<Run>& run, const run::Answer& answer) {
  (void)kernel::send_message(run->connection.native_handle(),
                             run::to_json(answer));  // a client that left hears nothing
}

void RunService::forget(const std::shared_ptr<Run>& run) {
  runs_.erase(run);
  closer_.close_socket(UniqueFd(run->connection.release()));
  if (stopped_ && runs_.empty()) std::exchange(stopped_, nullptr)();
}

void RunService::stop(std::function<void()> done) {
  if (listener_) {
    unlink(path_.c_str());
    closer_.close_socket(UniqueFd(listener_->release()));  // with those that were not let in yet
  }
  if (runs_.empty()) return done();
  stopped_ = std::move(done);
  for (const auto& run : runs_) {
    run->connection.cancel();
    if (run->worker) run->worker->stop(Reason{ReasonKind::stopped});
  }
}

}  // namespace herd::daemon
