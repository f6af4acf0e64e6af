// OCI runtime-spec, config-linux.md "Seccomp", and what Docker and podman add to it: names instead of name,
// archMap, includes and excludes (moby/profiles/seccomp), error names (containers/common).
#include <algorithm>
#include <map>

#include "common/seccomp/syscalls.hpp"
#include "config/profile_reader.hpp"

namespace herd::config {
namespace {

using seccomp::Action;
using seccomp::ArgCondition;
using seccomp::Compare;
using Kind = Action::Kind;

enum class OciAction { allow, log, error, kill, trap, trace, notify };

const Word<OciAction>& oci_actions() {
  static const Word<OciAction> kActions{{{"SCMP_ACT_ALLOW", OciAction::allow},
                                         {"SCMP_ACT_LOG", OciAction::log},
                                         {"SCMP_ACT_ERRNO", OciAction::error},
                                         {"SCMP_ACT_KILL", OciAction::kill},
                                         {"SCMP_ACT_KILL_THREAD", OciAction::kill},
                                         {"SCMP_ACT_KILL_PROCESS", OciAction::kill},
                                         {"SCMP_ACT_TRAP", OciAction::trap},
                                         {"SCMP_ACT_TRACE", OciAction::trace},
                                         {"SCMP_ACT_NOTIFY", OciAction::notify}}};
  return kActions;
}

const Word<Compare>& oci_operators() {
  static const Word<Compare> kOperators{{{"SCMP_CMP_NE", Compare::not_equal},
                                         {"SCMP_CMP_LT", Compare::less},
                                         {"SCMP_CMP_LE", Compare::less_equal},
                                         {"SCMP_CMP_EQ", Compare::equal},
                                         {"SCMP_CMP_GE", Compare::greater_equal},
                                         {"SCMP_CMP_GT", Compare::greater},
                                         {"SCMP_CMP_MASKED_EQ", Compare::masked_equal}}};
  return kOperators;
}

Text some_text(std::string what) {
  return {std::move(what), [](std::string_view text) { return !text.empty(); }};
}

std::string_view docker_name(seccomp::Arch arch) {
  return arch == seccomp::Arch::x86_64 ? "amd64" : "arm64";
}
std::string_view libseccomp_name(seccomp::Arch arch) {
  return arch == seccomp::Arch::x86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
}

bool contains(const std::vector<std::string>& list, std::string_view what) {
  return std::ranges::find(list, what) != list.end();
}

class OciReader {
 public:
  OciReader(const Node& document, const std::string& name, const ProfileContext& context, Issues& issues)
      : top_(document, {issues, "", document.line}), context_(context), profile_{name, {}, {}} {}

  seccomp::Profile read() {
    top_.has_only({"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags",
                   "listenerPath", "listenerMetadata", "syscalls"});
    profile_.default_action = action(top_, "defaultAction", "defaultErrnoRet", "defaultErrno");
    architectures();
    flags();
    if (top_.find("listenerPath") != nullptr) top_.at("listenerPath").refuse(kNoListener);
    top_.each("syscalls", [this](const Node& node, Place place) { rule({node, std::move(place)}); });
    add_newer();
    add_clone3();
    return std::move(profile_);
  }

 private:
  static constexpr const char* kNoListener =
      "needs a supervisor that answers each call, and no worker has one; herd tells of denied calls itself: "
      "write SCMP_ACT_ERRNO";

  /// ENOSYS with SCMP_ACT_TRACE: the kernel's answer where nobody traces.
  Action action(const ProfileObject& object, std::string_view name, std::string_view number,
                std::string_view error_name) const {
    OciAction word = OciAction::error;
    int error = EPERM;
    const bool is_good = object.require(name, oci_actions(), word) &
                         object.read(number, ErrorNumber{}, error) &
                         object.read(error_name, ErrorNumber{}, error);
    if (is_good && word == OciAction::notify) object.at(name).refuse(kNoListener);
    static const std::map<OciAction, Action> kPlain{{OciAction::allow, Action::allow},
                                                    {OciAction::log, Action::log},
                                                    {OciAction::kill, Action::kill},
                                                    {OciAction::trap, Action::trap},
                                                    {OciAction::trace, Action::no_such_syscall}};
    const auto plain = kPlain.find(word);
    return plain == kPlain.end() ? Action::deny_with(error) : plain->second;
  }

  /// The other architectures that it names get no filter of theirs: their calls end the process.
  void architectures() {
    std::vector<std::string> listed;
    const auto name = some_text("an architecture, as \"SCMP_ARCH_X86_64\"");
    top_.read("architectures", ListOf<Text>{name, 0, 64, false}, listed);
    top_.each("archMap", [&](const Node& node, Place place) {
      const ProfileObject entry(node, std::move(place));
      std::string architecture;
      std::vector<std::string> others;
      if (entry.has_only({"architecture", "subArchitectures"}) &&
          entry.require("architecture", name, architecture) &&
          entry.read("subArchitectures", ListOf<Text>{name, 0, 64, false}, others))
        listed.push_back(architecture);
    });
    if (listed.empty() || contains(listed, libseccomp_name(context_.arch))) return;
    top_.refuse("is for other architectures than this one: add \"" +
                std::string(libseccomp_name(context_.arch)) + "\" to \"architectures\"");
  }

  /// All of them are had anyway (LOG, TSYNC) or would weaken the filter (SPEC_ALLOW).
  void flags() {
    std::vector<int> ignored;
    const Word<int> known{{{"SECCOMP_FILTER_FLAG_TSYNC", 0},
                           {"SECCOMP_FILTER_FLAG_LOG", 1},
                           {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", 2},
                           {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 3}}};
    top_.read("flags", ListOf<Word<int>>{known, 0, 16, false}, ignored);
  }

  void rule(const ProfileObject& object) {
    object.has_only(
        {"name", "names", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"});
    seccomp::Rule rule;
    rule.action = action(object, "action", "errnoRet", "errno");
    names(object, rule.names);
    object.each("args", [&rule](const Node& node, Place place) {
      if (const auto condition = read_condition({node, std::move(place)}))
        rule.conditions.push_back(*condition);
    });
    note_newest(rule.names);
    if (is_included(object) && !rule.names.empty()) profile_.rules.push_back(std::move(rule));
  }

  static void names(const ProfileObject& object, std::vector<std::string>& names) {
    const bool has_one = object.find("name") != nullptr;
    if (has_one) {
      std::string name;
      if (object.read("name", syscall_names().kind, name)) names.push_back(name);
    } else {
      object.require("names", syscall_names(), names);
    }
    const Place place = object.at(has_one ? "name" : "names");
    std::erase_if(names, [&](const std::string& name) { return !check_syscall_name(name, place); });
  }

  static std::optional<ArgCondition> read_condition(const ProfileObject& object) {
    ArgCondition condition;
    std::uint64_t value = 0, second = 0;
    const bool is_good = object.has_only({"index", "value", "valueTwo", "op"}) &
                         object.require("index", argument_index(), condition.index) &
                         object.require("value", Argument64{}, value) &
                         object.read("valueTwo", Argument64{}, second) &
                         object.require("op", oci_operators(), condition.op);
    if (!is_good) return std::nullopt;
    condition.value = value;
    if (condition.op == Compare::masked_equal) {
      condition.mask = value;
      condition.value = second;
    }
    return condition;
  }

  /// As moby does: all that `includes` names must be so, and nothing that `excludes` names.
  bool is_included(const ProfileObject& rule) const {
    bool is_included = true;
    const auto is_held = [this](const std::string& capability) {
      return contains(context_.capabilities, capability);
    };
    if (const Node* node = rule.find("includes")) {
      const Filter filter = read_filter({*node, rule.at("includes")});
      is_included = (filter.arches.empty() || contains(filter.arches, docker_name(context_.arch))) &&
                    std::ranges::all_of(filter.capabilities, is_held) &&
                    (!filter.kernel || context_.kernel >= *filter.kernel);
    }
    if (const Node* node = rule.find("excludes")) {
      const Filter filter = read_filter({*node, rule.at("excludes")});
      if (contains(filter.arches, docker_name(context_.arch)) ||
          std::ranges::any_of(filter.capabilities, is_held) ||
          (filter.kernel && context_.kernel >= *filter.kernel))
        is_included = false;
    }
    return is_included;
  }

  struct Filter {
    std::vector<std::string> arches, capabilities;
    std::optional<KernelVersion> kernel;
  };
  static Filter read_filter(const ProfileObject& object) {
    Filter filter;
    std::string kernel;
    object.has_only({"arches", "caps", "minKernel"});
    object.read("arches", ListOf<Text>{some_text("an architecture, as \"amd64\""), 0, 64, false},
                filter.arches);
    object.read("caps", ListOf<Text>{some_text("a capability, as \"CAP_SYS_ADMIN\""), 0, 64, false},
                filter.capabilities);
    if (object.read("minKernel", some_text("a version of Linux, as \"4.8\""), kernel) && !kernel.empty()) {
      filter.kernel = parse_kernel_version(kernel);
      if (!filter.kernel)
        object.at("minKernel").refuse("found " + quote(kernel) + ", expected a version of Linux, as \"4.8\"");
    }
    return filter;
  }

  void note_newest(const std::vector<std::string>& names) {
    for (const auto& call : seccomp::known_syscalls(context_.arch))
      if (contains(names, call.name)) newest_ = std::max(newest_, call.number);
  }

  /// What came after the newest call that the profile names, its author can't have meant to deny: programs
  /// get ENOSYS and fall back.
  void add_newer() {
    const Kind kind = profile_.default_action.kind;
    if (kind == Kind::allow || kind == Kind::log) return;
    seccomp::Rule newer{{}, Action::no_such_syscall, {}};
    for (const auto& call : seccomp::known_syscalls(context_.arch))
      if (call.number > newest_ && call.name != "clone3") newer.names.push_back(call.name);
    if (newest_ >= 0 && !newer.names.empty()) profile_.rules.push_back(std::move(newer));
  }

  /// A libc that gets EPERM for it makes no thread; with ENOSYS it falls back to clone, whose flags can be
  /// read.
  void add_clone3() {
    const Kind kind = profile_.default_action.kind;
    const bool is_named = std::ranges::any_of(
        profile_.rules, [](const seccomp::Rule& rule) { return contains(rule.names, "clone3"); });
    if (kind != Kind::allow && kind != Kind::log && !is_named)
      profile_.rules.push_back({{"clone3"}, Action::no_such_syscall, {}});
  }

  ProfileObject top_;
  const ProfileContext& context_;
  seccomp::Profile profile_;
  int newest_ = -1;
};

}  // namespace

std::optional<seccomp::Profile> read_oci_profile(const Node& document, const std::string& name,
                                                 const ProfileContext& context, Issues& issues) {
  auto profile = OciReader(document, name, context, issues).read();
  if (!issues.empty()) return std::nullopt;
  return profile;
}

}  // namespace herd::config
