// A worker that turns on its host: serves HTTP like any other, and on request tries to get out.
//   /leave              leaves what another worker may look for: {name: "ok" or an errno's name}
//   /attack?PID,PORT    every attack, each in a child: {name: {"result", "got_through"}}
//   /fill?DIRECTORY     memory.hpp
//   /take?KIND          memory.hpp; does not answer where the worker ends of it
//   /stalk, /stalked    stalker.hpp
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/testees/attempt.hpp"
#include "tests/testees/escape/attacks.hpp"
#include "tests/testees/escape/memory.hpp"
#include "tests/testees/escape/stalker.hpp"
#include "tests/testees/http.hpp"
#include "tests/testees/probes.hpp"
#include "tests/testees/support.hpp"
#include "tests/testees/syscalls.hpp"

namespace {

using namespace escape;
using nlohmann::json;

json judged(const std::string& result) {
  return {{"result", result}, {"got_through", result.starts_with("ok")}};
}

Target parse_target(const std::string& query) {
  const std::size_t comma = query.find(',');
  if (comma == std::string::npos) testee::die("/attack needs PID,PORT");
  return {std::atoi(query.c_str()), std::atoi(query.c_str() + comma + 1)};
}

std::string attack(const Target& target) {
  auto results = json::object();
  for (const auto& [name, result] : testee::run_probes()) results["probe_" + name] = judged(result);
  for (const auto& [name, result] : testee::run_calls()) results["call_" + name] = judged(result);
  for (const auto& group :
       {file_attacks(), namespace_attacks(), process_attacks(), ipc_attacks(), socket_attacks()})
    for (const Attack& one : group)
      results[one.name] = judged(testee::in_a_child([&] { return one.attempt(target); }));
  return results.dump();
}

std::string leave() {
  auto left = json::object();
  for (const auto& [name, result] : leave_traces()) left[name] = result;
  return left.dump();
}

testee::Response answer(const testee::Request& request) {
  if (request.path == "/leave") return {200, leave()};
  if (request.path == "/attack") return {200, attack(parse_target(request.query))};
  if (request.path == "/fill") return {200, fill(request.query)};
  if (request.path == "/take") return {200, take(request.query)};
  if (request.path == "/stalk") start_stalking();
  if (request.path == "/stalked") return {200, stalked()};
  return {200, "{}"};
}

}  // namespace

int main() {
  const int listener = testee::passed_listener();
  testee::start_up();
  testee::serve_http(listener, answer);
}
