// The pool machine under random events and faults. A failure prints the seed and the step:
//   HERD_SIM_SEED=N            replays that seed
//   HERD_SIM_STEPS=1000000     runs each seed for so many steps
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/pool/simulation.hpp"

namespace herd::pool {
namespace {

constexpr std::uint64_t kDefaultSteps = 20'000;
constexpr int kRandomSeeds = 4;

std::uint64_t steps() {
  const char* text = std::getenv("HERD_SIM_STEPS");
  return text == nullptr ? kDefaultSteps : std::stoull(text);
}

void run(std::uint64_t seed) {
  std::cout << "HERD_SIM_SEED=" << seed << " HERD_SIM_STEPS=" << steps() << "\n";
  Simulation simulation(seed);
  try {
    simulation.run(steps());
  } catch (const Broken& broken) {
    FAIL() << broken.what();
  }
}

TEST(PoolSimulation, FixedSeeds) {
  if (std::getenv("HERD_SIM_SEED") != nullptr) GTEST_SKIP() << "HERD_SIM_SEED names another seed";
  for (std::uint64_t seed = 1; seed <= 8; ++seed) run(seed);
}

TEST(PoolSimulation, RandomSeeds) {
  if (const char* seed = std::getenv("HERD_SIM_SEED")) return run(std::stoull(seed));
  std::random_device device;
  for (int i = 0; i < kRandomSeeds; ++i) run(device());
}

}  // namespace
}  // namespace herd::pool
