#include "tests/support/temporary_directory.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace herd::test {

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory(const std::string& parent) {
  std::string name = (fs::path(parent) / "herd-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
  ::chmod(path_.c_str(), 0755);  // workers reach their sockets through it
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TemporaryDirectory::write(const std::string& name, std::string_view content) const {
  const fs::path file = fs::path(path_) / name;
  fs::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::trunc);
  stream << content;
  stream.close();
  if (!stream) throw std::runtime_error("write " + file.string());
  fs::permissions(file, fs::perms(0644));
  fs::permissions(file.parent_path(), fs::perms(0755));
}

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace herd::test
