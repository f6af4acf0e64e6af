#include "tests/support/herdctl.hpp"

#include <sys/wait.h>

#include <filesystem>
#include <stdexcept>

#include "tests/support/host.hpp"

namespace herd::test {

Process Herdctl::start(const std::vector<std::string>& arguments, std::function<void()> before_exec) const {
  std::vector<std::string> words{program_, "--socket", socket_};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::string out = files_.path() + "/out", err = files_.path() + "/err";
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return Process(words, {{"PATH=/usr/bin:/bin", "TERM=xterm"}, std::move(before_exec), out, err});
}

Ran Herdctl::run(const std::vector<std::string>& arguments, std::function<void()> before_exec) const {
  Process process = start(arguments, std::move(before_exec));
  return end_of(process);
}

Ran Herdctl::end_of(Process& process) const {
  const auto status = process.wait(kPatience);
  Ran ran{-1, text_of(files_.path() + "/out"), text_of(files_.path() + "/err")};
  if (!status) throw std::runtime_error("herdctl did not end; it said: " + ran.out + ran.err);
  ran.code = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
  return ran;
}

}  // namespace herd::test
