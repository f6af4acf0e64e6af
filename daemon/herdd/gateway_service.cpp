#include "daemon/herdd/gateway_service.hpp"

#include <algorithm>
#include <cerrno>

#include "common/kernel/files.hpp"
#include "common/kernel/memfd.hpp"
#include "common/log.hpp"
#include "common/random.hpp"
#include "daemon/herdd/gateway_spec.hpp"

namespace herd::daemon {
namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

Result<std::string> cookie_key(const std::string& file) {
  auto text = kernel::read_file(file, 256);
  if (text) {
    while (text->ends_with('\n')) text->pop_back();
    if (text->size() == 2 * kKeyBytes && text->find_first_not_of("0123456789abcdef") == std::string::npos)
      return text;
    return fail("'" + file +
                "' holds no key of 64 hexadecimal digits: remove it, and a new one is made (clients "
                "with a cookie of the old one begin a new session)");
  }
  if (text.error().errno_value != ENOENT) return text;
  std::string key = random_hex(kKeyBytes);
  HERD_CHECK(kernel::replace_file(file, key + "\n", 0600));
  return key;
}

void GatewayService::apply(const config::GatewayListenSpec& spec, const std::vector<config::PoolSpec>& pools,
                           GatewayListeners::Sockets sockets) {
  const bool is_another = spec.threads != spec_.threads || spec.required != spec_.required;
  spec_ = spec;
  auto settings = kernel::sealed_memfd("herd-gateway-settings",
                                       gateway::to_json(gateway_settings(spec, pools, context_.cookie_key)));
  if (!settings) return log_error("gateway: " + settings.error().message);
  settings_ = std::make_shared<const UniqueFd>(std::move(*settings));
  const GatewayListeners::Sockets before = listeners_.sockets();
  listeners_.adopt(std::move(sockets));
  if (listeners_.sockets().empty()) return stop_pool();
  if (!driver_) return start_pool();
  // A replaced one gets all of it with its line, and serves until the new one does.
  for (const auto& line : lines_) line->configure(settings_);
  tell_listeners(before);
  if (is_another) driver_->configure(gateway_pool(context_.program, spec_), true);
}

void GatewayService::tell_listeners(const GatewayListeners::Sockets& before) {
  const auto& now = listeners_.sockets();
  for (const auto& line : lines_) {
    for (const auto& [address, socket] : now)
      if (!before.contains(address)) line->add_listener(address, socket);
    for (const auto& [address, socket] : before)
      if (!now.contains(address)) line->remove_listener(address);
  }
}

void GatewayService::start_pool() {
  PoolHooks hooks;
  hooks.finished = [this] { on_pool_finished(); };
  hooks.before_start = [this](worker::Worker& worker) { give_line(worker); };
  driver_ = std::make_unique<PoolDriver>(context_.resources, context_.events, context_.ids,
                                         gateway_pool(context_.program, spec_), std::move(hooks));
  driver_->start();
}

void GatewayService::stop_pool() {
  if (driver_) driver_->stop();
}

void GatewayService::on_pool_finished() {
  driver_.reset();
  context_.pool_gone();
  for (const auto& line : lines_) line->close();
  lines_.clear();
  if (is_stopping_) {
    listeners_.adopt({});
    if (const auto stopped = std::exchange(stopped_, nullptr)) stopped();
  } else if (!listeners_.sockets().empty()) {
    start_pool();  // listeners came back while the last gateway was ending
  }
}

void GatewayService::give_line(worker::Worker& worker) {
  std::erase_if(lines_, [](const auto& line) { return !line->is_open(); });
  auto ends = kernel::seqpacket_pair();
  if (!ends) return log_error("gateway: " + ends.error().message);  // it ends at once without a line
  GatewayDesk desk = context_.desk;
  desk.give_up = [this](const std::string& id) {
    if (driver_) driver_->feed(pool::StopWorkerRequest{id});
  };
  auto line = std::make_shared<GatewayLine>(context_.resources.io, std::move((*ends)[0]), worker.id(), desk);
  worker.set_socket(std::move((*ends)[1]));
  line->configure(settings_);
  for (const auto& [address, socket] : listeners_.sockets()) line->add_listener(address, socket);
  line->start();
  lines_.push_back(std::move(line));
}

void GatewayService::end_session(const std::string& pool, const pool::Emit& ended) {
  if (lines_.empty()) return;
  const Reason reason = ended.reason.value_or(Reason{});
  const gateway::SessionEnded message{pool, ended.session, ended.worker, std::string(name(reason.kind)),
                                      describe(reason)};
  for (const auto& line : lines_) line->end_session(message);
}

void GatewayService::stop(std::function<void()> done) {
  is_stopping_ = true;
  if (!driver_) {
    listeners_.adopt({});
    return done();
  }
  stopped_ = std::move(done);
  driver_->stop();
}

bool GatewayService::is_ready() const {
  return !driver_ || driver_->pool().view().idle > 0;
}

Json GatewayService::status() const {
  if (!driver_) return nullptr;
  Json listen = Json::array(), workers = Json::array();
  for (const auto& [address, socket] : listeners_.sockets()) listen.push_back(bound_address(socket->get()));
  for (const pool::WorkerView& view : driver_->pool().workers()) workers.push_back(view.id);
  const pool::View view = driver_->pool().view();
  return {{"ready", is_ready()},
          {"listen", listen},
          {"threads", spec_.threads},
          {"workers", workers},
          {"restarts", view.counters.crashed},
          {"reason", view.reason.empty() ? Json(nullptr) : Json(view.reason)}};
}

std::map<std::string, gateway::Statistics> GatewayService::statistics() const {
  std::map<std::string, gateway::Statistics> all;
  for (const auto& line : lines_)
    if (line->is_open()) all.emplace(line->worker(), line->statistics());
  return all;
}

}  // namespace herd::daemon
