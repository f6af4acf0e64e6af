#include "common/seccomp/check.hpp"

#include <linux/audit.h>

#include <cstdio>
#include <set>

#include "common/seccomp/edges.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

std::string describe(const seccomp_data& data, Arch arch) {
  const auto name = syscall_name(arch, data.nr);
  char text[256];
  std::snprintf(text, sizeof text, "syscall %d (%s) of architecture 0x%x with arguments", data.nr,
                name ? name->c_str() : "no name", data.arch);
  std::string sentence = text;
  for (const auto argument : data.args) {
    std::snprintf(text, sizeof text, " 0x%llx", static_cast<unsigned long long>(argument));
    sentence += text;
  }
  return sentence;
}

class Checker {
 public:
  Checker(const Program& program, Meaning meaning, const Evaluator& evaluator)
      : arch_(program.arch), meaning_(std::move(meaning)), evaluator_(evaluator) {}

  [[nodiscard]] Status check_numbers() const;
  [[nodiscard]] Status check_architectures() const;
  [[nodiscard]] Status check_arguments() const;

 private:
  [[nodiscard]] Status compare(std::uint32_t arch, std::uint32_t number, const Arguments& arguments) const;

  Arch arch_;
  Meaning meaning_;
  const Evaluator& evaluator_;
};

Status Checker::compare(std::uint32_t arch, std::uint32_t number, const Arguments& arguments) const {
  seccomp_data data{static_cast<int>(number), arch, 0x7f00'1234'5678, {}};
  for (unsigned i = 0; i < kArgumentCount; ++i) data.args[i] = arguments[i];
  const std::uint32_t found = evaluator_.run(data);
  const std::uint32_t meant = meaning_.expected_action(data);
  if (found == meant) return {};
  return fail(describe(data, arch_) + ": the filter says " + describe_return(found) + ", the profile means " +
              describe_return(meant));
}

/// Every number, x32's and the negative ones too. A call without argument rules must not look at arguments:
/// the patterns are ones that a stray test would react to.
Status Checker::check_numbers() const {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  constexpr std::array kPatterns = {Arguments{}, Arguments{1, 1, 1, 1, 1, 1},
                                    Arguments{kOnes, kOnes, kOnes, kOnes, kOnes, kOnes},
                                    Arguments{0x1000'0000, 0x5412, 0, 16, 0x5412, 0x1000'0000}};
  for (const auto& pattern : kPatterns) {
    for (std::uint32_t number = 0; number < 2 * kSyscallNumberLimit; ++number)
      for (const std::uint32_t high : {0U, kX32Bit, 0x8000'0000U})
        HERD_CHECK(compare(audit_arch(arch_), high | number, pattern));
    for (unsigned bit = 11; bit < 32; ++bit)
      for (const std::uint32_t number : {(1U << bit) - 1, 1U << bit, ~(1U << bit), 0U - (1U << bit)})
        HERD_CHECK(compare(audit_arch(arch_), number, pattern));
    HERD_CHECK(compare(audit_arch(arch_), 0xffff'ffffU, pattern));
  }
  return {};
}

Status Checker::check_architectures() const {
  std::set<std::uint32_t> architectures = {
      AUDIT_ARCH_I386,    AUDIT_ARCH_ARM,    AUDIT_ARCH_S390X,   AUDIT_ARCH_PPC64LE,
      AUDIT_ARCH_AARCH64, AUDIT_ARCH_X86_64, AUDIT_ARCH_RISCV64, 0,
      0xffff'ffffU};
  for (unsigned bit = 0; bit < 32; ++bit) architectures.insert(audit_arch(arch_) ^ (1U << bit));
  for (const std::uint32_t architecture : architectures)
    for (std::uint32_t number = 0; number < kSyscallNumberLimit; ++number)
      HERD_CHECK(compare(architecture, number, {}));
  return {};
}

Status Checker::check_arguments() const {
  for (const auto& call : known_syscalls(arch_))
    HERD_CHECK(visit_edges(meaning_.rules_of(call.number), [&](const Arguments& arguments) {
      return compare(audit_arch(arch_), static_cast<std::uint32_t>(call.number), arguments);
    }));
  return {};
}

Status check_program(const Program& program, Meaning meaning) {
  HERD_TRY(const Evaluator evaluator, Evaluator::make(program.instructions));
  const Checker checker(program, std::move(meaning), evaluator);
  HERD_CHECK(checker.check_architectures());
  HERD_CHECK(checker.check_numbers());
  return checker.check_arguments();
}

}  // namespace

Status check(const Program& program, const Profile& profile, Policy policy, Denials denials) {
  auto status = check_program(program, Meaning(profile, policy, program.arch, denials));
  if (!status) return fail_in("seccomp filter of profile '" + profile.name + "'", std::move(status).error());
  return status;
}

}  // namespace herd::seccomp
