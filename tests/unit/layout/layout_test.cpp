// Holds the tree to its include rules: arrows between folders go one way.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/unit/layout/rules.hpp"

namespace herd::layout {
namespace {

namespace fs = std::filesystem;

bool is_source(const fs::path& path) {
  const std::string extension = path.extension();
  return extension == ".cpp" || extension == ".hpp" || extension == ".c" || extension == ".h";
}

/// "file:line: problem" for each include that the rules forbid.
std::vector<std::string> problems_in(const fs::path& file, const fs::path& root) {
  std::vector<std::string> problems;
  const std::string name = fs::relative(file, root);
  std::ifstream stream(file);
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (const auto problem = problem_with(name, line))
      problems.push_back(name + ":" + std::to_string(number) + ": " + *problem);
  }
  return problems;
}

TEST(Layout, EveryIncludeIsOneThatItsFolderMayHave) {
  const fs::path root = HERD_SOURCE_DIRECTORY;
  int files = 0;
  for (const char* top : {"common", "config", "protocol", "daemon", "cli", "sdk"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (!entry.is_regular_file() || !is_source(entry.path())) continue;
      ++files;
      for (const std::string& problem : problems_in(entry.path(), root)) ADD_FAILURE() << problem;
    }
  }
  EXPECT_GT(files, 100) << "is " << root << " the repository?";
}

TEST(Layout, TheRulesHaveNoCircle) {
  std::set<std::string_view> above;
  for (const Folder& folder : folders()) {
    for (const std::string_view used : folder.folders)
      EXPECT_TRUE(above.contains(used)) << folder.path << " uses " << used << ", which has to stand above it";
    above.insert(folder.path);
  }
}

TEST(Layout, EveryExceptionHasAReason) {
  for (const Exception& exception : exceptions()) {
    EXPECT_FALSE(exception.reason.empty()) << exception.file;
    EXPECT_TRUE(fs::exists(fs::path(HERD_SOURCE_DIRECTORY) / exception.file)) << exception.file;
  }
}

struct Case {
  const char* file;
  const char* line;
  bool is_allowed;
};

TEST(Layout, TheRulesTellGoodFromBad) {
  for (const auto& [file, line, is_allowed] : {
           Case{"daemon/pool/pool.cpp", "#include \"daemon/pool/queue.hpp\"", true},
           Case{"daemon/pool/pool.cpp", "#include <vector>", true},
           Case{"daemon/pool/pool.cpp", "#include <unistd.h>", false},
           Case{"daemon/pool/pool.cpp", "#include <boost/asio.hpp>", false},
           Case{"daemon/pool/pool.cpp", "  #  include <nlohmann/json.hpp>", false},
           Case{"daemon/pool/pool.cpp", "// #include <boost/asio.hpp>", true},
           Case{"daemon/worker/worker.cpp", "#include \"daemon/control/service.hpp\"", false},
           Case{"daemon/exec/main.cpp", "#include <boost/asio.hpp>", false},
           Case{"common/units.cpp", "#include \"config/pool_spec.hpp\"", false},
           Case{"common/kernel/clone.cpp", "#include <linux/sched.h>", true},
           Case{"config/load.cpp", "#include \"load.hpp\"", false},
           Case{"cli/main.cpp", "#include \"daemon/control/server.hpp\"", false},
           Case{"daemon/new/thing.cpp", "#include <vector>", false},
           Case{"sdk/c/notify.c", "#include \"common/error.hpp\"", false},
           Case{"sdk/c/notify.c", "#include <sys/socket.h>", true},
           Case{"sdk/cpp/herd/worker.hpp", "#include <boost/asio.hpp>", false},
       }) {
    EXPECT_EQ(!problem_with(file, line), is_allowed) << file << ": " << line;
  }
}

}  // namespace
}  // namespace herd::layout
