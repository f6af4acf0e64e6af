// From a request line to the handler of its route: matching, roles, and how a refusal is put.
#include "daemon/control/body.hpp"
#include "daemon/control/routes.hpp"
#include "protocol/control/routes.hpp"

namespace herd::control {
namespace {

/// The next segment of a path, which it is cut off from.
std::string_view take_segment(std::string_view& path) {
  const std::size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(pattern), given = take_segment(path);
    if (wanted.starts_with('{') ? given.empty() : wanted != given) return false;
  }
  return pattern.empty() && path.empty();
}

/// False where a segment's percent-encoding is broken.
bool take_parts(std::string_view pattern, std::string_view path, Call& call) {
  while (!pattern.empty()) {
    const std::string_view wanted = take_segment(pattern), given = take_segment(path);
    if (!wanted.starts_with('{')) continue;
    auto decoded = protocol::percent_decode(given);
    if (!decoded) return false;
    (wanted == "{pool}"      ? call.pool
     : wanted == "{session}" ? call.session
                             : call.worker) = std::move(*decoded);
  }
  return true;
}

std::string_view role_name(config::Role role) {
  switch (role) {
    case config::Role::none:
      return "none";
    case config::Role::observer:
      return "observer";
    case config::Role::operator_:
      return "operator";
    case config::Role::admin:
      return "admin";
  }
  return "none";
}

config::Role needed_role(Access access) {
  switch (access) {
    case Access::anyone:
      return config::Role::none;
    case Access::observer:
      return config::Role::observer;
    case Access::client:
    case Access::operator_:
      return config::Role::operator_;
    case Access::admin:
      return config::Role::admin;
  }
  return config::Role::admin;
}

ApiError forbidden(const Route& route, const Call& call, config::Role role) {
  const config::Role needed = needed_role(route.access);
  ApiError error{403, protocol::code::kForbidden};
  error.message = call.service.describe(call.peer) + " may not " + std::string(route.method) + " " +
                  std::string(route.pattern) + ": it takes the role " + std::string(role_name(needed)) +
                  (route.access == Access::client ? " or a client of the pool" : "") + ", this user's is " +
                  std::string(role_name(role));
  error.hint = needed == config::Role::admin
                   ? "run it as root or as the daemon's user, or add the user to control.roles.admin"
                   : "add the user to group herd or to the pool's clients";
  error.pool = call.pool;
  return error;
}

ApiResult<void> check_access(const Route& route, const Call& call) {
  if (route.access == Access::anyone) return {};
  const config::Role role = call.service.role_of(call.peer);
  if (role >= needed_role(route.access)) return {};
  if (route.access == Access::client && call.service.is_client_of(call.peer, call.pool)) return {};
  return tl::make_unexpected(forbidden(route, call, role));
}

Answer no_such_route(std::string_view method, std::string_view path, const std::string& allow) {
  if (allow.empty()) {
    return to_answer({404, protocol::code::kUnknownRoute, "there is no " + std::string(path.substr(0, 200)),
                      "the calls are listed in docs/reference/control-api.md"});
  }
  Answer answer = to_answer({405, protocol::code::kMethodNotAllowed,
                             std::string(method) + " is not possible here", "possible: " + allow});
  answer.allow = allow;
  return answer;
}

}  // namespace

Answer to_answer(const ApiError& error) {
  const protocol::Refusal refusal{error.code, error.message, error.hint, error.pool};
  Answer answer{error.status, protocol::dump_line(protocol::to_json(refusal))};
  answer.retry_after_seconds = error.retry_after_seconds;
  // Whoever is told to come later is told when.
  if (!answer.retry_after_seconds && (error.status == 429 || error.status == 503))
    answer.retry_after_seconds = 1;
  return answer;
}

Outcome dispatch(Service& service, const Peer& peer, std::string_view method, std::string_view target,
                 std::string_view body) {
  const std::size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  Call call{service, peer, {}, {}, {}, {}, body};
  if (question != std::string_view::npos) call.query = target.substr(question + 1);
  std::string allow;
  for (const Route& route : routes()) {
    if (!matches(route.pattern, path)) continue;
    if (route.method != method) {
      allow += (allow.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    if (!take_parts(route.pattern, path, call))
      return to_answer(bad_request("bad percent-encoding in the path"));
    if (auto may = check_access(route, call); !may) return to_answer(may.error());
    auto outcome = route.handler(call);
    if (!outcome) return to_answer(outcome.error());
    return std::move(*outcome);
  }
  return no_such_route(method, path, allow);
}

}  // namespace herd::control
