// A directory of a test's own, readable by all, gone with its owner.
#pragma once

#include <string>
#include <string_view>

namespace herd::test {

class TemporaryDirectory {
 public:
  /// In /tmp a worker does not see it, in /var/tmp it does.
  explicit TemporaryDirectory(const std::string& parent = "/tmp");
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Makes the directories on the way to it.
  void write(const std::string& name, std::string_view content) const;

 private:
  std::string path_;
};

/// The file's text, "" where it can't be read.
std::string text_of(const std::string& file);

}  // namespace herd::test
