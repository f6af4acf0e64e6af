#include "config/profile_reader.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "common/seccomp/syscalls.hpp"

namespace herd::config {
namespace {

const std::vector<std::string>& known_names() {
  static const std::vector<std::string> kNames = [] {
    std::set<std::string> names;
    for (const seccomp::Arch arch : {seccomp::Arch::x86_64, seccomp::Arch::aarch64})
      for (const auto& call : seccomp::known_syscalls(arch)) names.insert(call.name);
    return std::vector<std::string>(names.begin(), names.end());
  }();
  return kNames;
}

}  // namespace

bool ProfileObject::has_only(std::initializer_list<std::string_view> names) const {
  if (node_.type != Node::Type::object) {
    refuse(unexpected(node_, "an object", false, {}));
    return false;
  }
  bool is_good = true;
  const std::vector<std::string> known(names.begin(), names.end());
  for (const Member& member : node_.members) {
    if (std::ranges::find(known, member.name) != known.end()) continue;
    const auto near = nearest(member.name, known);
    place_.issues.add(
        member.line, below(place_.pointer, member.name),
        "unknown key" + (near ? "; did you mean " + quote(*near) + "?" : ", expected " + one_of(known)));
    is_good = false;
  }
  return is_good;
}

const Node* ProfileObject::find(std::string_view name) const {
  const Node* node = node_.find(name);
  return node == nullptr || node->type == Node::Type::null ? nullptr : node;
}

Place ProfileObject::at(std::string_view name) const {
  const Node* node = node_.find(name);
  return {place_.issues, below(place_.pointer, name), node == nullptr ? place_.line : node->line};
}

bool check_syscall_name(const std::string& name, const Place& place) {
  if (seccomp::is_syscall_name(name)) return true;
  const auto near = nearest(name, known_names());
  place.refuse("no architecture has a syscall " + quote(name) +
               (near ? "; did you mean " + quote(*near) + "?" : ""));
  return false;
}

ListOf<Text> syscall_names() {
  return {{"the name of a syscall", [](std::string_view name) { return !name.empty(); }}, 1, 4096, false};
}

Integer<unsigned> argument_index() {
  return {0, seccomp::kArgumentCount - 1};
}

std::optional<std::uint64_t> Argument64::parse(const Node& node) const {
  std::string_view text = node.text;
  if (node.type != Node::Type::number && node.type != Node::Type::text) return std::nullopt;
  int base = 10;
  if (node.type == Node::Type::text && text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> ErrorNumber::parse(const Node& node) const {
  if (node.type == Node::Type::number) return Integer<int>{1, seccomp::kMaxError}.parse(node);
  if (node.type != Node::Type::text) return std::nullopt;
  constexpr int kLastNamed = 133;  // EHWPOISON
  for (int error = 1; error <= kLastNamed; ++error) {
    const char* known = ::strerrorname_np(error);
    if (known != nullptr && node.text == known) return error;
  }
  return std::nullopt;
}

std::optional<seccomp::Profile> read_profile(std::string_view text, const std::string& name,
                                             const ProfileContext& context, Issues& issues) {
  const auto document = parse_document(text, issues);
  if (!document || !issues.empty()) return std::nullopt;
  const bool is_oci = document->find("defaultAction") != nullptr || document->find("syscalls") != nullptr;
  auto profile = is_oci ? read_oci_profile(*document, name, context, issues)
                        : read_own_profile(*document, name, context, issues);
  if (!profile || !issues.empty()) return std::nullopt;
  if (const auto valid = seccomp::validate(*profile); !valid) {
    issues.add(0, "", valid.error().message);
    return std::nullopt;
  }
  return profile;
}

}  // namespace herd::config
