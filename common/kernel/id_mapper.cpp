#include "common/kernel/id_mapper.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <vector>

#include "common/kernel/files.hpp"
#include "common/text.hpp"

namespace herd::kernel {
namespace {

constexpr std::chrono::seconds kLimit{10};  // newuidmap asks the user database, which may ask a network
constexpr std::size_t kMostSaid = 1000;

struct Wanted {
  IdSpan uids;                  // numbers inside and out
  std::uint32_t first_gid = 0;  // outside; inside they have the uids' numbers
};

/// {read end, write end}
Result<std::array<UniqueFd, 2>> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  return std::array{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string user_name(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer;
  const bool is_found =
      getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return is_found ? found->pw_name : "";
}

/// The user's longest span. An id can be mapped once, so the user's own is left out; so is the number that
/// the kernel shows for unmapped ids, as nobody could tell the two apart.
Result<Wanted> find_subordinate_ids(uid_t uid, gid_t gid, const OwnIds& around) {
  const std::string name = user_name(uid);
  const std::string who = name.empty() ? "uid " + std::to_string(uid) : "user '" + name + "'";
  const auto uids = longest_without(subordinate_ids(read_file("/etc/subuid").value_or(""), name, uid),
                                    {0, uid, around.overflow_uid, around.overflow_gid});
  if (!uids) return fail(who + " has no subordinate uids in /etc/subuid");
  const auto gids =
      longest_without(subordinate_ids(read_file("/etc/subgid").value_or(""), name, uid), {0, gid});
  if (!gids) return fail(who + " has no subordinate gids in /etc/subgid");
  return Wanted{{uids->first, std::min(uids->count, gids->count)}, gids->first};
}

std::vector<std::string> words_for(const char* program, pid_t target, std::uint32_t own, std::uint32_t inside,
                                   std::uint32_t outside, std::uint32_t count) {
  std::vector<std::string> words{program};
  for (const std::uint32_t number : {static_cast<std::uint32_t>(target), 0U, own, 1U, inside, outside, count})
    words.push_back(std::to_string(number));
  return words;
}

/// Waits for its end; what it says on its standard error goes to this process's.
bool run(const std::vector<std::string>& words) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    (void)write_all(STDERR_FILENO, words[0] + " can't be started, is it installed (package uidmap)?");
    _exit(127);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// The child: waits for the word that the namespace is there. gids first: where they fail nothing is written
/// yet, and the parent can still map its own ids.
[[noreturn]] void map_when_told(const UniqueFd& go, const UniqueFd& answer, pid_t target, uid_t uid,
                                gid_t gid, const Wanted& wanted) {
  signal(SIGPIPE, SIG_DFL);
  setpgid(0, 0);  // so that the parent can end it with what it has started
  dup2(answer.get(), STDERR_FILENO);
  char word = 0;
  if (read(go.get(), &word, 1) != 1) _exit(1);
  const IdSpan& ids = wanted.uids;
  const bool is_done = run(words_for("newgidmap", target, gid, ids.first, wanted.first_gid, ids.count)) &&
                       run(words_for("newuidmap", target, uid, ids.first, ids.first, ids.count));
  _exit(is_done ? 0 : 1);
}

}  // namespace

IdMapper IdMapper::prepare(uid_t uid, gid_t gid, const OwnIds& around) {
  IdMapper mapper;
  if (auto started = mapper.start_child(uid, gid, around); !started)
    mapper.why_not_ = started.error().message;
  return mapper;
}

Status IdMapper::start_child(uid_t uid, gid_t gid, const OwnIds& around) {
  HERD_TRY(const Wanted wanted, find_subordinate_ids(uid, gid, around));
  HERD_TRY(auto go, make_pipe());
  HERD_TRY(auto answer, make_pipe());
  const pid_t target = getpid();
  child_ = fork();
  if (child_ < 0) return fail_errno("fork");
  if (child_ == 0) {
    go[1].reset();  // the parent's end alone: its death is seen
    map_when_told(go[0], answer[1], target, uid, gid, wanted);
  }
  go_ = std::move(go[1]);
  answer_ = std::move(answer[0]);
  return {};
}

IdMapper::IdMapper(IdMapper&& other) noexcept
    : why_not_(std::move(other.why_not_)),
      child_(std::exchange(other.child_, -1)),
      go_(std::move(other.go_)),
      answer_(std::move(other.answer_)) {}

IdMapper::~IdMapper() {
  if (child_ <= 0) return;
  kill(-child_, SIGKILL);
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) continue;
}

std::string IdMapper::write() {
  if (child_ <= 0) return why_not_;
  if (::write(go_.get(), "1", 1) != 1) return fail_errno("tell newuidmap's parent").value().message;
  std::string said;
  if (!read_until_end(answer_.get(), kLimit, said))
    return "newgidmap and newuidmap did not end within " + std::to_string(kLimit.count()) + " s";
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) continue;
  child_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  said = trimmed(said.substr(0, kMostSaid));
  return said.empty() ? "newgidmap or newuidmap failed" : said;
}

}  // namespace herd::kernel
