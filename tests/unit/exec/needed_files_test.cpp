// What a program needs to start, against the host's own loader.
#include "daemon/exec/needed_files.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "common/unique_fd.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::exec {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

class NeededFiles : public ::testing::Test {
 protected:
  [[nodiscard]] Result<std::vector<std::string>> of(const std::string& program,
                                                    const std::vector<std::string>& library_path = {}) const {
    return needed_files(root_.get(), program, library_path);
  }
  [[nodiscard]] std::string refusal_of(const std::string& program) const {
    const auto files = of(program);
    return files ? "" : files.error().message;
  }
  /// A script or a file of nonsense.
  std::string file(const std::string& name, const std::string& content) {
    directory_.write(name, content);
    return directory_.path() + "/" + name;
  }

  test::TemporaryDirectory directory_;
  UniqueFd root_{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
};

/// Where the links lead, without what only the loader reads.
std::set<std::string> resolved(const std::vector<std::string>& files) {
  std::set<std::string> real;
  for (const std::string& file : files)
    if (file != "/etc/ld.so.cache") real.insert(fs::canonical(file).string());
  return real;
}

/// The same from ldd(1): lines of "name => /path (0x..)" and "/path (0x..)". Empty where it says that the
/// program is static, or no program.
std::set<std::string> said_by_ldd(const std::string& program) {
  std::set<std::string> real;
  std::FILE* pipe = ::popen(("ldd '" + program + "' 2>/dev/null").c_str(), "r");
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    std::istringstream words(line);
    for (std::string word; words >> word;)
      if (word.starts_with('/')) real.insert(fs::canonical(word).string());
  }
  ::pclose(pipe);
  if (!real.empty()) real.insert(fs::canonical(program).string());
  return real;
}

bool is_elf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  file.read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "\177ELF";
}

TEST_F(NeededFiles, AreWhatTheLoaderLoads) {
  constexpr int kEnough = 60;
  int compared = 0;
  for (const auto& entry : fs::directory_iterator("/usr/bin")) {
    if (compared == kEnough) break;
    if (entry.is_symlink() || !entry.is_regular_file() || !is_elf(entry.path())) continue;
    const std::string program = entry.path().string();
    const auto loaded = said_by_ldd(program);
    const auto files = of(program);
    ASSERT_TRUE(files) << files.error().message;
    if (loaded.empty()) continue;
    EXPECT_EQ(resolved(*files), loaded) << program;
    ++compared;
  }
  EXPECT_GT(compared, 20);
}

TEST_F(NeededFiles, OfAScriptAreItsInterpretersToo) {
  const std::string script = file("script", "#! /bin/sh -e\n");
  const auto files = of(script);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_THAT(*files, Contains(script));
  EXPECT_THAT(*files, Contains("/bin/sh"));
  EXPECT_THAT(*files, Contains(HasSubstr("libc.so.6")));
  const auto of_outer = of(file("outer", "#!" + script + "\n"));
  ASSERT_TRUE(of_outer) << of_outer.error().message;
  EXPECT_THAT(*of_outer, Contains("/bin/sh"));
}

TEST_F(NeededFiles, ALibraryThatIsNowhereIsNamed) {
  // A copy of a real program in which a library has another name.
  std::ifstream original("/bin/sh", std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(original)), {});
  const std::size_t at = content.find("libc.so.6");
  ASSERT_NE(at, std::string::npos);
  content.replace(at, 9, "libX.so.6");
  EXPECT_THAT(refusal_of(file("broken", content)), HasSubstr("needs the library 'libX.so.6'"));
}

TEST_F(NeededFiles, AreLookedForInTheLibraryPathFirst) {
  fs::copy_file(fs::canonical("/bin/sh"), directory_.path() + "/libc.so.6");
  const auto files = of("/bin/sh", {directory_.path()});
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_THAT(*files, Contains(directory_.path() + "/libc.so.6"));
  EXPECT_THAT(*files, ::testing::Not(Contains(::testing::EndsWith("-gnu/libc.so.6"))));
}

/// A copy of /bin/sh that names another loader, as long as the real one at most.
std::string with_loader(const std::string& loader) {
  std::ifstream original("/bin/sh", std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(original)), {});
  const std::size_t at = content.find("/lib64/ld-linux-x86-64.so.2");
  if (at != std::string::npos) content.replace(at, loader.size() + 1, loader + std::string(1, '\0'));
  return content;
}

// Else whoever may write a program would choose which of the host's files its workers see.
TEST_F(NeededFiles, ALoaderHasToBeAProgramItself) {
  EXPECT_THAT(refusal_of(file("nosy", with_loader("/etc/passwd"))), HasSubstr("the loader '/etc/passwd'"));
  EXPECT_THAT(refusal_of(file("greedy", with_loader("/proc/version"))), HasSubstr("not a regular file"));
}

// Reading it would break somebody's lease, and wait for that.
TEST_F(NeededFiles, AFileThatIsLeasedIsNotWaitedFor) {
  const std::string leased = file("leased", with_loader("/lib64/ld-linux-x86-64.so.2"));
  const UniqueFd holder(::open(leased.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::fcntl(holder.get(), F_SETLEASE, F_WRLCK), 0);
  ::signal(SIGIO, SIG_IGN);
  EXPECT_THAT(refusal_of(leased), HasSubstr("Resource temporarily unavailable"));
}

// $ORIGIN is where the program really is, not where a link to it is.
TEST_F(NeededFiles, OfALinkedProgramAreThoseBesideTheProgram) {
  directory_.write("real/here", "");
  const std::string source = file("main.c", "int answer(void); int main(void) { return answer(); }");
  const std::string library = file("answer.c", "int answer(void) { return 42; }");
  const std::string real = directory_.path() + "/real";
  const std::string build = "cc -shared -fPIC -o " + real + "/libanswer.so " + library + " && cc -o " + real +
                            "/program " + source + " -L" + real + " -lanswer -Wl,-rpath,'$ORIGIN'";
  ASSERT_EQ(std::system(build.c_str()), 0);
  fs::create_symlink(real + "/program", directory_.path() + "/link");
  const auto files = of(directory_.path() + "/link");
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_THAT(*files, Contains(real + "/libanswer.so"));
}

TEST_F(NeededFiles, WhatIsNoProgramIsRefused) {
  EXPECT_THAT(refusal_of(file("text", "hello\n")), HasSubstr("Exec format error"));
  EXPECT_THAT(refusal_of(file("empty", "")), HasSubstr("Exec format error"));
  EXPECT_THAT(refusal_of(file("relative", "#!sh\n")), HasSubstr("no interpreter by an absolute path"));
  EXPECT_THAT(refusal_of(file("endless", "#!/bin/sh")), HasSubstr("no interpreter by an absolute path"));
  EXPECT_THAT(refusal_of(file("bare", "#!   \n")), HasSubstr("no interpreter by an absolute path"));
  EXPECT_THAT(refusal_of("/none"), HasSubstr("No such file"));
  EXPECT_THAT(refusal_of("/dev/null"), HasSubstr("not a regular file"));
  const std::string itself = directory_.path() + "/itself";
  EXPECT_THAT(refusal_of(file("itself", "#!" + itself + "\n")), HasSubstr("symbolic links"));
}

}  // namespace
}  // namespace herd::exec
