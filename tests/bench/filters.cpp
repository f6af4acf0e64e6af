// What a seccomp filter costs: to build, to load, and with each call. The peer is a filter of the same calls
// that libseccomp makes.
#include <linux/filter.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/kernel/memfd.hpp"
#include "common/seccomp/build.hpp"
#include "common/seccomp/install.hpp"
#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"
#include "config/preset_catalog.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

using Code = std::vector<sock_filter>;

/// The profile's calls that are allowed whatever their arguments, and personality with its rules.
Result<Code> build_with_libseccomp(const seccomp::Profile& profile) {
  const std::unique_ptr<void, void (*)(void*)> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  const seccomp::Arch arch = seccomp::native_arch();
  const seccomp::Meaning meaning(profile, seccomp::Policy::errno_, arch);
  for (const auto& [number, name] : seccomp::known_syscalls(arch)) {
    const seccomp_data data{number, seccomp::audit_arch(arch), 0, {}};
    if (number != SYS_personality && meaning.expected_action(data) == SECCOMP_RET_ALLOW)
      seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0);
  }
  for (const unsigned long value : {0UL, static_cast<unsigned long>(UNAME26), 0xffff'ffffUL})
    seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SYS_personality, 1, SCMP_A0(SCMP_CMP_EQ, value));
  const UniqueFd file(memfd_create("herd-bench-filter", MFD_CLOEXEC));
  struct stat info {};
  if (!file || seccomp_export_bpf(filter.get(), file.get()) != 0 || fstat(file.get(), &info) != 0)
    return fail("libseccomp made no filter");
  Code code(static_cast<std::size_t>(info.st_size) / sizeof(sock_filter));
  if (pread(file.get(), code.data(), static_cast<std::size_t>(info.st_size), 0) != info.st_size)
    return fail_errno("read libseccomp's filter");
  return code;
}

struct Costs {
  double load = 0;         // us
  double plain_call = 0;   // ns: one that the kernel knows to be allowed whatever its arguments
  double tested_call = 0;  // ns: one whose argument is tested
};

template <typename Call>
double nanoseconds_of(Call call) {
  constexpr int kCalls = 50'000;
  const auto begin = Clock::now();
  for (int i = 0; i < kCalls; ++i) call();
  return microseconds(Clock::now() - begin) * 1000 / kCalls;
}

/// In a child, which has no other filter; an empty one: without.
Result<Costs> costs_of(const Code& code) {
  int ends[2];
  if (pipe(ends) != 0) return fail_errno("pipe");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    Costs costs;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto begin = Clock::now();
    if (!code.empty() && !seccomp::install(code, {.log_denials = true})) _exit(1);
    costs.load = microseconds(Clock::now() - begin);
    costs.plain_call = nanoseconds_of([] { syscall(SYS_getppid); });
    costs.tested_call = nanoseconds_of([] { syscall(SYS_personality, 0xffff'ffffUL); });
    _exit(write(input.get(), &costs, sizeof costs) == sizeof costs ? 0 : 1);
  }
  input.reset();
  Costs costs;
  const bool came = read(output.get(), &costs, sizeof costs) == sizeof costs;
  waitpid(child, nullptr, 0);
  if (!came) return fail("the child with the filter said nothing");
  return costs;
}

struct Series {
  std::vector<double> build, load, plain_call, tested_call;
  void add(double took, const Costs& costs) {
    build.push_back(took);
    load.push_back(costs.load);
    plain_call.push_back(costs.plain_call);
    tested_call.push_back(costs.tested_call);
  }
};

Row row_of(const std::string& what, const char* unit, const std::vector<double>& herd,
           const std::vector<double>& peer, const char* peer_name, std::optional<double> target) {
  return {what,
          unit,
          median(herd),
          median(peer),
          peer_name,
          target,
          {{"herd", summary(herd)}, {"peer", summary(peer)}}};
}

Result<std::vector<Row>> measure_profile(const Run& run, const std::string& name) {
  HERD_TRY(const auto profile, config::find_preset(name, {}));
  Series herd, peer, none;
  for (int round = 0; round <= run.count; ++round) {
    const auto begin = Clock::now();
    HERD_TRY(const auto program, seccomp::compile(profile, seccomp::Policy::errno_, seccomp::native_arch()));
    const auto middle = Clock::now();
    HERD_TRY(const Code other, build_with_libseccomp(profile));
    const auto end = Clock::now();
    HERD_TRY(const Costs of_herd, costs_of(program.instructions));
    HERD_TRY(const Costs of_peer, costs_of(other));
    HERD_TRY(const Costs of_none, costs_of({}));
    run.progress(round);
    if (round == 0) continue;  // the first only warms up
    herd.add(microseconds(middle - begin), of_herd);
    peer.add(microseconds(end - middle), of_peer);
    none.add(0, of_none);
  }
  constexpr const char* kPeer = "libseccomp";
  return std::vector{
      row_of("profile " + name + ": compile", "us", herd.build, peer.build, kPeer, 1.0),
      row_of("profile " + name + ": load in the kernel", "us", herd.load, peer.load, kPeer, 1.0),
      row_of("profile " + name + ": a call", "ns", herd.plain_call, peer.plain_call, kPeer, 1.1),
      row_of("profile " + name + ": a call with a tested argument", "ns", herd.tested_call, peer.tested_call,
             kPeer, 1.0),
      row_of("profile " + name + ": the same, against no filter", "ns", herd.tested_call, none.tested_call,
             "none", {})};
}

}  // namespace

Result<std::vector<Row>> measure_filters(const Run& run) {
  HERD_TRY(auto rows, measure_profile(run, "worker"));
  HERD_TRY(const auto more, measure_profile(run, "docker"));
  rows.insert(rows.end(), more.begin(), more.end());
  HERD_TRY(const auto profile, config::find_preset("worker", {}));
  std::vector<double> built;
  for (int round = 0; round < run.count; ++round) {
    const auto begin = Clock::now();
    HERD_TRY(const auto program, seccomp::build(profile, seccomp::Policy::errno_));
    built.push_back(microseconds(Clock::now() - begin) / 1000);
  }
  rows.push_back(
      {"profile worker: compile, and run for every number", "ms", median(built), {}, "", {}, summary(built)});
  return rows;
}

}  // namespace herd::bench
