#include "daemon/herdd/daemon.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <filesystem>

#include "common/log.hpp"
#include "daemon/herdd/service_manager.hpp"
#include "daemon/worker/freeze_guard.hpp"

namespace herd::daemon {
namespace {

constexpr std::size_t kKeptEvents = 10'000;
constexpr std::size_t kKeptEventBytes = 8 << 20;

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::create(config::Loaded loaded, Host host) {
  block_signals_of_the_loop();
  HERD_TRY(Parts parts, make_parts(std::move(loaded), std::move(host)));
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Daemon::Daemon(Parts parts)
    : parts_(std::move(parts)),
      access_(parts_.loaded.daemon.control, parts_.host.ids),
      events_(kKeptEvents, kKeptEventBytes),
      denials_(io_, [this] { return worker::start_freeze_guard(parts_.executor); },
               {[this](const denials::Visibility& visibility) { note_visibility(visibility); },
                [](const std::string& trouble) { log_warning(trouble); }}),
      notified_(io_, [](const std::string& trouble) { log_warning(trouble); }),
      spawner_(parts_.cgroups, parts_.executor, networks_, worker::Spawner::Privileges::no_new),
      privileged_spawner_(parts_.cgroups, parts_.executor, networks_, worker::Spawner::Privileges::may_gain),
      resources_{io_,
                 spawner_,
                 privileged_spawner_,
                 parts_.uids,
                 filters_,
                 denials_,
                 notified_,
                 parts_.runtime_directory + "/workers",
                 parts_.runtime_directory + "/notify",
                 {0666, parts_.socket_group},
                 parts_.facts,
                 parts_.host.ids,
                 {parts_.loaded.daemon.control.path, run::socket_path(parts_.loaded.daemon.control.path),
                  parts_.runtime_directory + "/workers", parts_.runtime_directory + "/notify"},
                 {}},
      signals_(io_),
      runs_({resources_, parts_.ids,
             [this](const std::string& pool) {
               const PoolDriver* driver = find(pool);
               return driver == nullptr ? nullptr : &driver->pool().spec();
             },
             [this](const control::Peer& peer) { return role_of(peer); },
             [this](const control::Peer& peer) { return describe(peer); },
             [this](const std::string& type, const std::string& message) { note(type, message); }}),
      gateway_({resources_, events_, parts_.ids, gateway_desk(),
                [this] { parts_.cgroups.remove_pool(std::string(config::kGatewayPool)); },
                parts_.gateway_program, parts_.gateway_key}),
      server_(io_, *this, {}, [](const std::string& message) { log_warning("control socket: " + message); }) {
}

Daemon::~Daemon() = default;

void Daemon::run() {
  for (const config::PoolSpec& spec : parts_.loaded.pools) add_pool(spec);
  gateway_.apply(parts_.loaded.daemon.gateway, parts_.loaded.pools, std::move(parts_.gateway_sockets));
  signals_.start([this](int number) { number == SIGHUP ? log_reload_on_signal() : begin_shutdown(); });
  if (auto started = server_.start(std::move(parts_.control_socket)); !started) {
    log_error("control socket: " + started.error().message);
    begin_shutdown();
  }
  if (const denials::Visibility visibility = denials_.visibility(); visibility.seen)
    note_visibility(visibility);
  const std::string run_socket = run::socket_path(parts_.loaded.daemon.control.path);
  if (auto started = runs_.start(run_socket, {0660, parts_.socket_group}); !started)
    log_error("run socket: " + started.error().message);
  log_info("herdd " HERD_VERSION " serves " + std::to_string(drivers_.size()) + " pools on " +
           parts_.loaded.daemon.control.path);
  tell_service_manager("READY=1\nSTATUS=" + std::to_string(drivers_.size()) + " pools");
  // A handler that throws has broken an invariant of its own; the pools' state is still whole.
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (const std::exception& error) {
      log_error(std::string("unexpected: ") + error.what());
    }
  }
}

void Daemon::add_pool(config::PoolSpec spec) {
  const std::string name = spec.name;
  PoolHooks hooks;
  hooks.finished = [this, name] { on_pool_finished(name); };
  hooks.session_ended = [this, name](const pool::Emit& ended) { gateway_.end_session(name, ended); };
  auto driver =
      std::make_unique<PoolDriver>(resources_, events_, parts_.ids, std::move(spec), std::move(hooks));
  PoolDriver& added = *driver;
  drivers_.emplace(name, std::move(driver));
  added.start();
}

void Daemon::on_pool_finished(const std::string& name) {
  drivers_.erase(name);
  parts_.cgroups.remove_pool(name);
  if (auto spec = returning_.extract(name); !spec.empty() && !is_stopping_)
    return add_pool(std::move(spec.mapped()));
  if (is_stopping_ && drivers_.empty()) runs_.stop([this] { finish_shutdown(); });
}

void Daemon::begin_shutdown() {
  if (std::exchange(is_stopping_, true)) return;
  tell_service_manager("STOPPING=1");
  log_info("stopping");
  note("daemon_stopping", "");
  gateway_.stop([this] { stop_pools(); });
}

/// Once nobody talks to their workers through a gateway any more.
void Daemon::stop_pools() {
  if (drivers_.empty()) return runs_.stop([this] { finish_shutdown(); });
  for (const auto& [name, driver] : drivers_) driver->stop();
}

void Daemon::finish_shutdown() {
  server_.stop([this] {
    denials_.stop();
    notified_.stop();
    parts_.cgroups.remove_root();
    std::error_code ignored;  // a directory that somebody put a file into stays
    for (const char* directory : {"/workers", "/notify"})
      std::filesystem::remove(parts_.runtime_directory + directory, ignored);
    log_info("stopped");
    signals_.cancel();
    io_.stop();
  });
}

void Daemon::log_reload_on_signal() {
  tell_service_manager(reloading_message());
  const auto done = reload(false);
  if (done) {
    log_info("reloaded: generation " + std::to_string(generation_));
  } else {
    log_error("reload refused, nothing was changed: " + done.error().message);
  }
  tell_service_manager("READY=1");
}

void Daemon::note_visibility(const denials::Visibility& visibility) {
  const std::string text = "denied calls " + in_words(visibility);
  if (visibility.seen == true) return log_debug(text);
  log_warning(text);
  note("denials_unseen", text);
}

void Daemon::note(const std::string& type, const std::string& message) {
  auto event = std::make_shared<Json>(Json{{"time", wall_time(std::chrono::system_clock::now())},
                                           {"type", type},
                                           {"pool", nullptr},
                                           {"worker", nullptr},
                                           {"session", nullptr},
                                           {"reason", nullptr}});
  if (!message.empty()) (*event)["message"] = message;
  events_.append(event, 256 + message.size());
}

}  // namespace herd::daemon
