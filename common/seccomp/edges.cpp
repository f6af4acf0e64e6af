#include "common/seccomp/edges.hpp"

#include <random>
#include <set>

#include "common/seccomp/meaning.hpp"

namespace herd::seccomp {
namespace {

using Candidates = std::array<std::vector<std::uint64_t>, kArgumentCount>;
using Visit = std::function<Status(const Arguments&)>;

/// Of each condition the value, its neighbours and every value that differs from it in one bit: whichever bit
/// a program drops, adds or compares wrongly, shows.
std::vector<std::uint64_t> edges(const std::vector<const Rule*>& rules, unsigned index) {
  std::set<std::uint64_t> values;
  for (const Rule* rule : rules)
    for (const auto& condition : rule->conditions) {
      if (condition.index != index) continue;
      for (const std::uint64_t base : {condition.value, condition.mask, condition.value | ~condition.mask})
        values.insert({base - 1, base, base + 1, ~base});
      for (unsigned bit = 0; bit < 64; ++bit) values.insert(condition.value ^ (std::uint64_t{1} << bit));
    }
  values.insert(~std::uint64_t{0});  // all that an argument without conditions is given
  if (values.size() > 1)
    values.insert({0, 1, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff, 0x1'0000'0000, std::uint64_t{1} << 63});
  return {values.begin(), values.end()};
}

Status visit_all(const Candidates& candidates, const Visit& visit) {
  std::array<std::size_t, kArgumentCount> position{};
  for (unsigned i = 0; i < kArgumentCount;) {
    Arguments arguments{};
    for (i = 0; i < kArgumentCount; ++i) arguments[i] = candidates[i][position[i]];
    HERD_CHECK(visit(arguments));
    for (i = 0; i < kArgumentCount; ++i) {  // count up; past the last one i is kArgumentCount
      if (++position[i] < candidates[i].size()) break;
      position[i] = 0;
    }
  }
  return {};
}

/// A value that meets all of the rule's conditions on this argument. If there is one at all, one of the edges
/// is.
std::uint64_t satisfying(const Rule& rule, unsigned index, const std::vector<std::uint64_t>& values) {
  for (const std::uint64_t value : values) {
    bool all = true;
    for (const auto& condition : rule.conditions)
      all = all && (condition.index != index || holds(condition, value));
    if (all) return value;
  }
  return 0;
}

/// A rule is an AND: a wrong comparison of one argument shows where the others hold.
Status visit_around(const Rule& rule, const Candidates& candidates, const Visit& visit) {
  Arguments base{};
  for (unsigned i = 0; i < kArgumentCount; ++i) base[i] = satisfying(rule, i, candidates[i]);
  for (unsigned i = 0; i < kArgumentCount; ++i)
    for (const std::uint64_t value : candidates[i]) {
      Arguments arguments = base;
      arguments[i] = value;
      HERD_CHECK(visit(arguments));
    }
  return {};
}

Status visit_random(const Candidates& candidates, const Visit& visit) {
  std::mt19937_64 random(
      1);  // NOLINT(cert-msc51-cpp): the same values each time, so that a failure comes again
  for (std::size_t count = 0; count < kMaxCombinations; ++count) {
    Arguments arguments{};
    for (unsigned i = 0; i < kArgumentCount; ++i)
      arguments[i] = candidates[i][random() % candidates[i].size()];
    HERD_CHECK(visit(arguments));
  }
  return {};
}

}  // namespace

Status visit_edges(const std::vector<const Rule*>& rules, const Visit& visit) {
  Candidates candidates;
  std::size_t combinations = 1;
  for (unsigned i = 0; i < kArgumentCount; ++i) {
    candidates[i] = edges(rules, i);
    if (combinations <= kMaxCombinations) combinations *= candidates[i].size();
  }
  if (combinations <= kMaxCombinations) return visit_all(candidates, visit);
  for (const Rule* rule : rules) HERD_CHECK(visit_around(*rule, candidates, visit));
  return visit_random(candidates, visit);
}

}  // namespace herd::seccomp
