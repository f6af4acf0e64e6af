// herdctl seccomp: needs no daemon.
#include <gmock/gmock.h>
#include <linux/filter.h>

#include <fstream>

#include "protocol/control/messages.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/cli/harness.hpp"

namespace herd::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Seccomp : public Herdctl {
 protected:
  static Ran seccomp(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "seccomp");
    return run_plain(std::move(arguments));
  }
  static Json json_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-o", "json"});
    arguments.insert(arguments.begin(), "seccomp");
    const Ran ran = run_plain(std::move(arguments));
    EXPECT_EQ(ran.code, kOk) << ran.err;
    return Json::parse(ran.out, nullptr, false);
  }
  std::string file(const std::string& text) {
    const std::string path = directory_.path() + "/p.json";
    std::ofstream(path) << text;
    return path;
  }
  test::TemporaryDirectory directory_;
};

TEST_F(Seccomp, ListNamesEachProfile) {
  const Ran ran = seccomp({"list"});
  EXPECT_EQ(ran.code, kOk);
  for (const char* name : {"worker", "strict", "network", "docker", "deny-dangerous"})
    EXPECT_THAT(ran.out, HasSubstr(name));
  EXPECT_EQ(json_of({"list"}).size(), 5U);
}

TEST_F(Seccomp, OnlyRecordTakesACommand) {
  EXPECT_EQ(run_plain({"seccomp", "list", "--", "/bin/true"}).code, kUsage);
}

TEST_F(Seccomp, ShowAnswersForEachCallUnderAPolicy) {
  EXPECT_THAT(seccomp({"show", "worker"}).out, HasSubstr("ERRNO(EPERM)"));
  EXPECT_THAT(seccomp({"show", "worker", "--policy", "kill"}).out,
              AllOf(HasSubstr("KILL_PROCESS"), Not(HasSubstr("ERRNO(EPERM)"))));
  EXPECT_THAT(seccomp({"show", "worker"}).out, HasSubstr("\nopen "));
  EXPECT_THAT(seccomp({"show", "worker", "--arch", "aarch64"}).out, Not(HasSubstr("\nopen ")));
}

TEST_F(Seccomp, ExplainGivesTheAnswerAndItsRule) {
  EXPECT_EQ(seccomp({"explain", "worker", "ioctl", "0", "0x5412"}).out,
            "ioctl: ERRNO(EPERM)\n  rule: deny if arg1 & 0xffffffff == 0x5412\n");
  EXPECT_EQ(seccomp({"explain", "worker", "read"}).out,
            "read: ALLOW\n  rule: allow whatever its arguments\n");
  EXPECT_THAT(seccomp({"explain", "worker", "mount"}).out, HasSubstr("the profile's default, deny"));
  EXPECT_THAT(seccomp({"explain", "worker", "ioctl"}).out,
              AllOf(HasSubstr("depends on its arguments"), HasSubstr("ALLOW otherwise")));
  const Json json = json_of({"explain", "worker", "ioctl", "0", "21522"});
  EXPECT_EQ(json.at("answer"), "ERRNO(EPERM)");
  EXPECT_EQ(json.at("number"), 16);
}

TEST_F(Seccomp, ExplainKnowsItsWords) {
  const Ran unknown = seccomp({"explain", "worker", "raed"});
  EXPECT_EQ(unknown.code, kNotFound);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'read'?"));
  EXPECT_THAT(seccomp({"explain", "worker", "open", "--arch", "aarch64"}).err,
              HasSubstr("aarch64 has no syscall 'open'"));
  EXPECT_EQ(seccomp({"explain", "worker", "read", "x"}).code, kUsage);
}

TEST_F(Seccomp, DiffShowsWhatChanges) {
  const Ran ran = seccomp({"diff", "worker", "network"});
  EXPECT_THAT(ran.out, AllOf(HasSubstr("socket\n"), HasSubstr("  + ALLOW if arg0 & 0xffffffff == 0x11\n"),
                             Not(HasSubstr("  - "))));
  EXPECT_EQ(seccomp({"diff", "worker", "worker"}).out, "the same answer to every call\n");
}

TEST_F(Seccomp, CheckTellsWhatAFileHolds) {
  const Ran good = seccomp({"check", file(R"({"base": "worker", "allow": ["mount"]})")});
  EXPECT_EQ(good.code, kOk) << good.err;
  EXPECT_THAT(good.out, HasSubstr("ok for x86_64: 288 calls allowed"));
  const Ran bad = seccomp({"check", file(R"({"base": "worker",
    "allow": ["muont"]})")});
  EXPECT_EQ(bad.code, kNotFound);
  EXPECT_THAT(
      bad.err,
      HasSubstr("p.json:2: /allow/0: no architecture has a syscall \"muont\"; did you mean \"mount\"?"));
  EXPECT_EQ(seccomp({"check", "/missing/p.json"}).code, kNotFound);
  EXPECT_THAT(seccomp({"check", "wroker"}).err, HasSubstr("did you mean \"worker\"?"));
}

TEST_F(Seccomp, CapabilitiesOpenWhatDockersProfileSays) {
  EXPECT_THAT(seccomp({"explain", "docker", "reboot"}).out, HasSubstr("ERRNO(EPERM)"));
  EXPECT_THAT(seccomp({"explain", "docker", "reboot", "--capability", "CAP_SYS_BOOT"}).out,
              HasSubstr("ALLOW"));
}

TEST_F(Seccomp, ExportWritesWholeInstructions) {
  const Ran bytes = seccomp({"export", "worker"});
  EXPECT_EQ(bytes.code, kOk);
  EXPECT_GT(bytes.out.size(), 100 * sizeof(sock_filter));
  EXPECT_EQ(bytes.out.size() % sizeof(sock_filter), 0U);
  const std::string path = directory_.path() + "/worker.bpf";
  EXPECT_EQ(seccomp({"export", "worker", "--to", path}).code, kOk);
  std::ifstream written(path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(written), {}), bytes.out);
}

TEST_F(Seccomp, ExportForOtherToolsIsText) {
  EXPECT_THAT(seccomp({"export", "worker", "--format", "pfc"}).out,
              testing::StartsWith("l0: ld [4]  ; arch\n"));
  const Ran oci = seccomp({"export", "worker", "--format", "oci"});
  const Ran same = seccomp({"diff", "worker", file(oci.out)});
  EXPECT_EQ(same.out, "the same answer to every call\n") << same.err;
}

TEST_F(Seccomp, NoFilterIsWrittenToATerminal) {
  Terminal terminal;
  terminal.is_tty = true;
  const Ran ran = run_plain({"seccomp", "export", "worker"}, terminal);
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_TRUE(ran.out.empty());
}

TEST_F(Seccomp, LintFindsWhatIsLikelyNotMeant) {
  EXPECT_EQ(seccomp({"lint", "worker"}).out, "nothing found\n");
  const Ran ran = seccomp({"lint", "docker"});
  EXPECT_EQ(ran.code, kRefused);
  EXPECT_THAT(ran.out, HasSubstr("TIOCSTI"));
}

}  // namespace
}  // namespace herd::cli
