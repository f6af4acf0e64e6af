// The three kinds of root that a worker can have.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/daemon_test.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

/// What the worker's root directory holds, seen from outside.
std::set<std::string> entries_of(pid_t worker, const std::string& path) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(worker) + "/root" + path))
    names.insert(entry.path().filename().string());
  return names;
}

/// All that is no directory below the worker's root, but for /proc, /dev and /run.
std::set<std::string> files_of(pid_t worker) {
  std::set<std::string> files;
  const std::string root = "/proc/" + std::to_string(worker) + "/root";
  for (fs::recursive_directory_iterator entry(root), end; entry != end; ++entry) {
    const std::string path = entry->path().string().substr(root.size());
    if (path == "/proc" || path == "/dev" || path == "/run") entry.disable_recursion_pending();
    if (!entry->is_directory() || entry->is_symlink()) files.insert(path);
  }
  return files;
}

std::string check_of(const Json& record, const std::string& name) {
  for (const Json& check : record.at("isolation").at("checks"))
    if (check.at("name") == name) return check.at("found");
  return "";
}

bool may_write(const Json& report, const std::string& path) {
  const auto mounts = report.at("writable_mounts").get<std::vector<std::string>>();
  return std::ranges::find(mounts, path) != mounts.end();
}

class Roots : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    daemon_.start();
  }
  Json start(const std::string& pool, const Json& spec, const std::string& path = "/report") {
    daemon_.write_pool(pool, spec);
    daemon_.post("/v1/reload");
    session_ = daemon_.acquire(pool, "s");
    return ask(session_.at("address"), path);
  }
  [[nodiscard]] pid_t pid() const { return session_.at("pid"); }
  Json record() { return daemon_.worker(session_.at("worker")); }
  /// Why the pool's worker does not start.
  std::string failure_of(const std::string& pool, const Json& spec) {
    daemon_.write_pool(pool, spec);
    daemon_.post("/v1/reload");
    const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = pool});
    return gone.at("reason").dump();
  }
  static Json with_root(const std::string& root, const std::vector<std::string>& command) {
    Json pool = testee_pool({});
    pool["sandbox"]["filesystem"] = {{"root", root}};
    pool["command"] = command;
    return pool;
  }
  /// A copy where workers see it: the build tree may lie in /home, /root or /tmp.
  [[nodiscard]] std::string visible(const std::string& program) const {
    const std::string copy = visible_.path() + "/" + fs::path(program).filename().string();
    fs::copy_file(program, copy);
    return copy;
  }
  [[nodiscard]] Json minimal_serving() const {
    return with_root("minimal", {visible(HERD_TEST_TESTEE), "serve"});
  }
  /// An unpacked image with a copy of the testee in it.
  std::string make_image(const std::string& name) {
    const std::string image = daemon_.directory() + "/" + name;
    for (const char* place : {"bin", "dev", "etc", "proc", "run", "tmp"})
      fs::create_directories(image + "/" + place);
    fs::copy_file(HERD_TEST_TESTEE, image + "/bin/testee");
    return image;
  }

  Json session_;
  TemporaryDirectory visible_{"/var/tmp"};
};

TEST_F(Roots, TheHostsIsProvenToBeTheHosts) {
  start("a", testee_pool({"serve"}));
  EXPECT_EQ(check_of(record(), "root"), "/");
}

TEST_F(Roots, AMinimalOneHoldsTheProgramAlone) {
  start("a", minimal_serving());
  EXPECT_EQ(files_of(pid()), std::set<std::string>{visible_.path() + "/testee"});
  EXPECT_EQ(check_of(record(), "root"), "a tree of its own");
}

TEST_F(Roots, AMinimalOneCannotBeWritten) {
  const Json report = start("a", minimal_serving());
  for (const Json& mount : report.at("writable_mounts")) {
    const std::set<std::string> own{"/proc", "/run", "/tmp", "/dev/shm"};
    EXPECT_TRUE(own.contains(mount.get<std::string>())) << mount;
  }
  EXPECT_NE(report.at("probes").at("write_root"), "ok");
  EXPECT_EQ(report.at("probes").at("write_tmp"), "ok");
}

TEST_F(Roots, AMinimalOneHoldsWhatADynamicProgramLoads) {
  Json pool = with_root("minimal", {visible(HERD_TEST_ECHO_WORKER)});
  const Json count = start("a", pool, "/");
  EXPECT_TRUE(count.is_object()) << count;
  const auto files = files_of(pid());
  EXPECT_TRUE(files.contains(visible_.path() + "/echo-worker"));
  EXPECT_TRUE(
      std::ranges::any_of(files, [](const std::string& file) { return file.ends_with("/libc.so.6"); }));
  EXPECT_FALSE(files.contains("/etc/passwd"));
  EXPECT_LT(files.size(), 30U);
}

TEST_F(Roots, AMinimalOneHoldsWhatThePoolNames) {
  Json pool = with_root("minimal", {"/usr/bin/python3", HERD_TEST_NOTEBOOK});
  pool["sandbox"]["filesystem"]["read_only"] = {"/usr", "/etc/passwd", HERD_TEST_NOTEBOOK,
                                                HERD_TEST_SDK_PYTHON};
  pool["environment"] = {{"PYTHONPATH", HERD_TEST_SDK_PYTHON}};
  start("a", pool, "/health");
  EXPECT_EQ(entries_of(pid(), "/etc"), (std::set<std::string>{"ld.so.cache", "passwd"}));
  EXPECT_TRUE(entries_of(pid(), "/usr").contains("bin"));
  EXPECT_FALSE(entries_of(pid(), "/").contains("var"));
}

TEST_F(Roots, AMinimalOneKeepsTheOrderOfHiddenAndBoundPlaces) {
  fs::create_directories(daemon_.directory() + "/outer/inner");
  Json pool = minimal_serving();
  pool["sandbox"]["filesystem"]["hide"] = {daemon_.directory() + "/outer"};
  pool["sandbox"]["filesystem"]["writable"] = {daemon_.directory() + "/outer/inner"};
  const Json report = start("a", pool);
  EXPECT_TRUE(may_write(report, daemon_.directory() + "/outer/inner"));
}

TEST_F(Roots, AProgramThatIsReplacedIsTheNextWorkersProgram) {
  const std::string program = visible(HERD_TEST_TESTEE);
  Json pool = with_root("minimal", {program, "serve"});
  pool["workers"]["min"] = 0;
  start("a", pool);
  daemon_.remove("/v1/pools/a/sessions/s");
  daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  fs::copy_file(HERD_TEST_TESTEE, program + ".new");
  fs::rename(program + ".new", program);
  struct stat now {
  }, seen{};
  ASSERT_EQ(::stat(program.c_str(), &now), 0);
  session_ = daemon_.acquire("a", "t");
  ASSERT_EQ(::stat(("/proc/" + std::to_string(pid()) + "/exe").c_str(), &seen), 0);
  EXPECT_EQ(seen.st_ino, now.st_ino);
}

TEST_F(Roots, AProgramWithoutItsLibraryIsNotStarted) {
  std::string content = text_of("/bin/sh");
  content.replace(content.find("libc.so.6"), 9, "libX.so.6");
  visible_.write("program", content);
  fs::permissions(visible_.path() + "/program", fs::perms::owner_all | fs::perms::others_exec,
                  fs::perm_options::add);
  const std::string reason = failure_of("a", with_root("minimal", {visible_.path() + "/program"}));
  EXPECT_NE(reason.find("needs the library 'libX.so.6'"), std::string::npos) << reason;
}

TEST_F(Roots, ADirectoryIsAllThatTheWorkerSees) {
  const std::string image = make_image("image");
  std::ofstream(image + "/etc/motd") << "hello";
  fs::create_symlink("/etc/motd", image + "/link");
  start("a", with_root(image, {"/bin/testee", "serve"}));
  EXPECT_EQ(check_of(record(), "root"), image);
  EXPECT_EQ(files_of(pid()), (std::set<std::string>{"/bin/testee", "/etc/motd", "/link"}));
  EXPECT_FALSE(entries_of(pid(), "/").contains("usr"));
}

TEST_F(Roots, ADirectoryThatIsReplacedIsTheNextWorkersRoot) {
  const std::string image = make_image("image");
  Json pool = with_root(image, {"/bin/testee", "serve"});
  pool["workers"]["min"] = 0;
  start("a", pool);
  daemon_.remove("/v1/pools/a/sessions/s");
  daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  fs::rename(image, image + ".old");
  std::ofstream(make_image("image") + "/new") << "";
  session_ = daemon_.acquire("a", "t");
  EXPECT_TRUE(entries_of(pid(), "/").contains("new"));
}

TEST_F(Roots, ADeviceNodeInADirectoryIsNoDevice) {
  const std::string image = make_image("image");
  ASSERT_EQ(::mknod((image + "/etc/zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  ::chmod((image + "/etc/zero").c_str(), 0666);
  start("a", with_root(image, {"/bin/testee", "serve"}));
  EXPECT_EQ(check_of(record(), "nodev"), "all mounts but /dev");
  // Not for root either: the mount says so, not the node's mode.
  const std::string node = "/proc/" + std::to_string(pid()) + "/root/etc/zero";
  EXPECT_FALSE(UniqueFd(::open(node.c_str(), O_RDWR | O_CLOEXEC)));
  EXPECT_EQ(errno, EACCES);
}

TEST_F(Roots, ABindNeedsItsPlaceInADirectory) {
  const std::string image = make_image("image");
  const TemporaryDirectory data("/var/tmp");
  Json pool = with_root(image, {"/bin/testee", "serve"});
  pool["sandbox"]["filesystem"]["writable"] = {data.path()};
  const std::string reason = failure_of("a", pool);
  EXPECT_NE(reason.find("make it in the root directory"), std::string::npos) << reason;
  fs::create_directories(image + data.path());
  EXPECT_TRUE(may_write(start("b", pool), data.path()));
}

TEST_F(Roots, ADirectoryWithoutThePlacesIsRefusedByTheReload) {
  const std::string image = make_image("image");
  fs::remove(image + "/run");
  fs::create_symlink("/etc", image + "/run");  // over which the worker's own would be mounted
  daemon_.write_pool("a", with_root(image, {"/bin/testee", "serve"}));
  const auto answer = daemon_.call("POST", "/v1/reload");
  EXPECT_EQ(answer.status, 422);
  const std::string said = answer.body.dump();
  EXPECT_NE(said.find("make dev, proc, run and tmp in it"), std::string::npos) << said;
}

}  // namespace
}  // namespace herd::test
