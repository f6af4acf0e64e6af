// How a check becomes a finding. The real checks are tried in tests/kernel/doctor_test.cpp.
#include <gtest/gtest.h>

#include "cli/doctor/check.hpp"

namespace herd::doctor {
namespace {

Check check_with(int errno_value) {
  return {.name = "thing",
          .needed_for = kEveryPool,
          .attempt = [errno_value]() -> Result<std::string> { return fail_errno("try", errno_value); },
          .remedy = {"be root", "use another kernel"}};
}

TEST(DoctorCheck, WhatIsHadNeedsNoRemedy) {
  Check check = check_with(0);
  check.attempt = []() -> Result<std::string> { return std::string("seen"); };
  const Finding finding = run(check);
  EXPECT_EQ(finding.verdict, Verdict::had);
  EXPECT_EQ(finding.why, "seen");
  EXPECT_EQ(finding.remedy, "");
}

TEST(DoctorCheck, TheRemedyFollowsTheError) {
  for (const int refused : {EPERM, EACCES, EROFS})
    EXPECT_EQ(run(check_with(refused)).remedy, "be root") << refused;
  for (const int absent : {ENOSYS, EINVAL, ENOENT, EOPNOTSUPP})
    EXPECT_EQ(run(check_with(absent)).remedy, "use another kernel") << absent;
  EXPECT_TRUE(run(check_with(ENOSPC)).remedy.starts_with("raise the limits of namespaces"));
  EXPECT_EQ(run(check_with(ENOSYS)).why, "try: Function not implemented");
  EXPECT_EQ(run(check_with(ENOSYS)).errno_value, ENOSYS);
}

TEST(DoctorCheck, AnExcusedOneIsNotTried) {
  Check check = check_with(EPERM);
  check.excuse = "there is something better";
  const Finding finding = run(check);
  EXPECT_EQ(finding.verdict, Verdict::not_needed);
  EXPECT_EQ(finding.why, "there is something better");
  EXPECT_TRUE(is_enough({finding}));
}

TEST(DoctorCheck, OnlyWhatEveryPoolNeedsHasToBeThere) {
  Check check = check_with(EPERM);
  EXPECT_FALSE(is_enough({run(check)}));
  for (const Need need : {Need::some, Need::information}) {
    check.need = need;
    EXPECT_TRUE(is_enough({run(check)}));
  }
}

}  // namespace
}  // namespace herd::doctor
