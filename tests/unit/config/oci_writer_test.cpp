#include "config/oci_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/preset_catalog.hpp"
#include "tests/unit/config/profiles.hpp"

namespace herd::config {
namespace {

using ::testing::HasSubstr;
using testing::profile_of;

// The writer reads what it writes and compares the meaning, call by call: what it returns is right.
TEST(OciWriter, SaysEachBuiltInProfile) {
  for (const seccomp::Arch arch : {seccomp::Arch::x86_64, seccomp::Arch::aarch64})
    for (const std::string& name : preset_names()) {
      ProfileContext context;
      context.arch = arch;
      const auto text = to_oci(find_preset(name, context).value(), arch);
      ASSERT_TRUE(text) << name << ": " << text.error().message;
      EXPECT_THAT(*text, HasSubstr("\"defaultAction\""));
    }
}

TEST(OciWriter, SaysWhatIsAddedToAProfile) {
  const auto text = to_oci(profile_of(R"({"base": "worker", "allow": ["mount", "io_uring_setup",
      {"names": ["bpf"], "args": [{"index": 0, "op": "any_bits", "value": 6}]}],
      "deny": ["read", {"names": ["chdir"], "errno": "EACCES"}]})"),
                           seccomp::native_arch());
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("\"errnoRet\": 13"));
}

// "Allowed in this case, denied else" over a default that denies in another way.
TEST(OciWriter, RefusesWhatOciCantSay) {
  const auto text = to_oci(profile_of(R"({"base": "worker", "allow": [
      {"names": ["io_uring_setup"], "args": [{"index": 0, "op": "equal", "value": 6}]}]})"),
                           seccomp::native_arch());
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("(io_uring_setup)"));
  EXPECT_THAT(text.error().message, HasSubstr("export it as bpf"));
}

}  // namespace
}  // namespace herd::config
