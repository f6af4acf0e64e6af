#include "tests/bench/round_trips.hpp"

#include "tests/bench/process.hpp"

namespace herd::bench {

Status Caller::round_trips(int count, std::vector<double>* took) {
  for (int i = 0; i < count; ++i) {
    const auto begin = Clock::now();
    HERD_CHECK(client.send(request));
    HERD_TRY(const Answer answer, client.receive());
    if (answer.status != 200) return fail("answered " + std::to_string(answer.status) + " " + answer.body);
    if (took != nullptr) took->push_back(microseconds(Clock::now() - begin));
  }
  return {};
}

}  // namespace herd::bench
