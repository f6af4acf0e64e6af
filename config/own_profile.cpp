// herd's own profiles: a built-in one, with what is allowed and denied on top of it.
#include <algorithm>

#include "config/preset_catalog.hpp"
#include "config/profile_reader.hpp"
#include "config/syscall_groups.hpp"

namespace herd::config {
namespace {

using seccomp::Action;
using seccomp::ArgCondition;
using seccomp::Compare;

enum class Operator {
  equal,
  not_equal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  masked,
  any_bits,
  all_bits
};

const Word<Operator>& own_operators() {
  static const Word<Operator> kOperators{{{"equal", Operator::equal},
                                          {"not_equal", Operator::not_equal},
                                          {"less", Operator::less},
                                          {"less_or_equal", Operator::less_or_equal},
                                          {"greater", Operator::greater},
                                          {"greater_or_equal", Operator::greater_or_equal},
                                          {"masked", Operator::masked},
                                          {"any_bits", Operator::any_bits},
                                          {"all_bits", Operator::all_bits}}};
  return kOperators;
}

/// `width` 32: of an `int` argument, of which the kernel reads the low half only.
std::optional<ArgCondition> condition(Operator op, unsigned index, std::uint64_t value, std::uint64_t mask,
                                      unsigned width) {
  constexpr std::uint64_t kLow = 0xffff'ffffU;
  const std::uint64_t all = width == 32 ? kLow : ~std::uint64_t{0};
  switch (op) {
    case Operator::equal:
      return ArgCondition{index, width == 32 ? Compare::masked_equal : Compare::equal, value, all};
    case Operator::masked:
      return ArgCondition{index, Compare::masked_equal, value, mask & all};
    case Operator::any_bits:
      return ArgCondition{index, Compare::any_bits, 0, value & all};
    case Operator::all_bits:
      return ArgCondition{index, Compare::masked_equal, value & all, value & all};
    default:
      break;
  }
  if (width == 32) return std::nullopt;
  static const std::vector<std::pair<Operator, Compare>> kPlain{
      {Operator::not_equal, Compare::not_equal},
      {Operator::less, Compare::less},
      {Operator::less_or_equal, Compare::less_equal},
      {Operator::greater, Compare::greater},
      {Operator::greater_or_equal, Compare::greater_equal}};
  return ArgCondition{index, std::ranges::find(kPlain, op, &std::pair<Operator, Compare>::first)->second,
                      value};
}

class OwnReader {
 public:
  OwnReader(const Node& document, const std::string& name, const ProfileContext& context, Issues& issues)
      : top_(document, {issues, "", document.line}), name_(name), context_(context) {}

  std::optional<seccomp::Profile> read() {
    top_.has_only({"base", "allow", "deny"});
    std::string base;
    if (!top_.require("base", preset_name(), base)) return std::nullopt;
    auto profile = find_preset(base, context_);
    if (!profile) {
      top_.at("base").refuse(profile.error().message);
      return std::nullopt;
    }
    profile->name = name_;
    const auto add = [&](std::string_view list, Action action, int layer) {
      top_.each(list, [&, action, layer](const Node& node, Place place) {
        if (auto rule = entry(node, std::move(place), action, layer))
          profile->rules.push_back(std::move(*rule));
      });
    };
    add("allow", Action::allow, 1);
    add("deny", Action::deny, 2);  // over what is allowed, and both over the base
    return std::move(*profile);
  }

 private:
  static Text preset_name() {
    return {"the name of a built-in profile", [](std::string_view name) { return !name.empty(); }};
  }

  std::optional<seccomp::Rule> entry(const Node& node, Place place, Action action, int layer) const {
    seccomp::Rule rule{{}, action, {}};
    rule.layer = layer;
    if (node.type == Node::Type::text) {
      add_name(node.text, place, rule.names);
    } else {
      const ProfileObject object(node, std::move(place));
      if (!details(object, action, rule)) return std::nullopt;
    }
    if (rule.names.empty()) return std::nullopt;
    return rule;
  }

  static bool details(const ProfileObject& object, Action action, seccomp::Rule& rule) {
    const bool denies = action == Action::deny;
    const bool has_only = denies ? object.has_only({"names", "args", "errno", "comment"})
                                 : object.has_only({"names", "args", "comment"});
    if (!has_only) return false;
    std::vector<std::string> names;
    int error = EPERM;
    if (!(object.require("names", syscall_names(), names) & object.read("errno", ErrorNumber{}, error)))
      return false;
    for (const std::string& name : names) add_name(name, object.at("names"), rule.names);
    if (denies) rule.action = Action::deny_with(error);
    bool is_good = true;
    object.each("args", [&](const Node& node, Place place) {
      const auto condition = read_condition({node, std::move(place)});
      if (condition) rule.conditions.push_back(*condition);
      is_good = is_good && condition.has_value();
    });
    return is_good;
  }

  static std::optional<ArgCondition> read_condition(const ProfileObject& object) {
    unsigned index = 0, width = 64;
    std::uint64_t value = 0, mask = 0;
    Operator op = Operator::equal;
    const bool is_good = object.has_only({"index", "op", "value", "mask", "width"}) &
                         object.require("index", argument_index(), index) &
                         object.require("op", own_operators(), op) &
                         object.require("value", Argument64{}, value) &
                         object.read("mask", Argument64{}, mask) & object.read("width", Width{}, width);
    if (!is_good) return std::nullopt;
    if ((op == Operator::masked) != (object.find("mask") != nullptr)) {
      object.refuse(op == Operator::masked ? "\"masked\" needs a \"mask\""
                                           : "only \"masked\" has a \"mask\"");
      return std::nullopt;
    }
    const auto read = condition(op, index, value, mask, width);
    if (!read)
      object.at("width").refuse("with width 32 an argument can be compared for equality and bits only");
    return read;
  }

  struct Width {
    using Value = unsigned;
    std::optional<unsigned> parse(const Node& node) const {
      if (node.type != Node::Type::number || (node.text != "32" && node.text != "64")) return std::nullopt;
      return node.text == "32" ? 32 : 64;
    }
    std::string words() const { return "32 or 64"; }
  };

  static void add_name(const std::string& name, const Place& place, std::vector<std::string>& names) {
    if (!name.starts_with('@')) {
      if (check_syscall_name(name, place)) names.push_back(name);
      return;
    }
    const auto& groups = syscall_groups();
    if (const auto group = groups.find(name); group != groups.end()) {
      names.insert(names.end(), group->second.begin(), group->second.end());
      return;
    }
    std::vector<std::string> known;
    for (const auto& [group, calls] : groups) known.push_back(group);
    const auto near = nearest(name, known);
    place.refuse("there is no group " + quote(name) +
                 (near ? "; did you mean " + quote(*near) + "?" : ", expected " + one_of(known)));
  }

  ProfileObject top_;
  const std::string& name_;
  const ProfileContext& context_;
};

}  // namespace

std::optional<seccomp::Profile> read_own_profile(const Node& document, const std::string& name,
                                                 const ProfileContext& context, Issues& issues) {
  return OwnReader(document, name, context, issues).read();
}

}  // namespace herd::config
