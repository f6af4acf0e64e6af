// Profiles without a daemon: what they say, why, and as what else they can be written.
#include <fcntl.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <charconv>

#include "cli/human.hpp"
#include "cli/look.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "common/kernel/files.hpp"
#include "common/seccomp/build.hpp"
#include "common/seccomp/disassemble.hpp"
#include "common/seccomp/dump.hpp"
#include "common/seccomp/lint.hpp"
#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"
#include "config/document.hpp"
#include "config/oci_writer.hpp"
#include "config/preset_catalog.hpp"
#include "config/text.hpp"

namespace herd::cli {
namespace {

using seccomp::Arch;
using seccomp::Policy;
using seccomp::Profile;

std::string about(const std::string& preset) {
  static const std::map<std::string, std::string> kAbout{
      {"worker", "what ordinary servers need"},
      {"strict", "files, memory, threads and the sockets it is handed; no processes, no network of its own"},
      {"network", "worker, with netlink and packet sockets"},
      {"docker", "Docker's default, as of 2026-06-30"},
      {"deny-dangerous", "everything but the calls behind most escapes"}};
  const auto found = kAbout.find(preset);
  return found == kAbout.end() ? "" : found->second;
}

Json to_json(const seccomp::Program& program) {
  const seccomp::Summary& summary = program.summary;
  return {{"arch", seccomp::name(program.arch)},
          {"instructions", program.instructions.size()},
          {"allowed", summary.allowed},
          {"by_arguments", summary.by_arguments},
          {"denied", summary.denied},
          {"no_such_syscall", summary.no_such_syscall},
          {"names_without_number", summary.names_without_number}};
}

int list(Context& context, const config::ProfileContext& asked) {
  Json all = Json::array();
  Table table({"PROFILE", "ALLOWED", "BY ARGUMENTS", "DENIED", "ENOSYS", "WHAT"});
  for (const std::string& name : config::preset_names()) {
    const auto program =
        seccomp::compile(config::find_preset(name, asked).value(), Policy::errno_, asked.arch);
    if (!program) return complain(context, program.error().message, kRefused);
    const seccomp::Summary& summary = program->summary;
    table.add({name, std::to_string(summary.allowed), std::to_string(summary.by_arguments),
               std::to_string(summary.denied), std::to_string(summary.no_such_syscall), about(name)});
    Json entry = to_json(*program);
    entry["name"] = name;
    entry["about"] = about(name);
    all.push_back(std::move(entry));
  }
  if (context.json) {
    print_json(context, all);
  } else {
    table.print(context);
  }
  return kOk;
}

Json to_json(const seccomp::CallAnswers& call) {
  Json rules = Json::array();
  for (const auto& rule : call.rules) rules.push_back({{"result", rule.result}, {"if", rule.conditions}});
  return {{"syscall", call.name}, {"number", call.number}, {"rules", rules}, {"otherwise", call.otherwise}};
}

std::vector<std::string> lines_of(const seccomp::CallAnswers& call) {
  std::vector<std::string> lines;
  for (const auto& rule : call.rules) lines.push_back(rule.result + " if " + rule.conditions);
  lines.push_back(call.otherwise + (call.rules.empty() ? "" : " otherwise"));
  return lines;
}

int show(Context& context, const Look& look) {
  return with_profile(context, look, [&](const Profile& profile) {
    const auto calls = seccomp::answers(profile, look.policy, look.context.arch);
    if (context.json) {
      Json all = Json::array();
      for (const auto& call : calls) all.push_back(to_json(call));
      print_json(context, all);
    } else {
      Table table({"SYSCALL", "ANSWER"});
      for (const auto& call : calls) table.add({call.name, call.text()});
      table.print(context);
    }
    return static_cast<int>(kOk);
  });
}

/// Builds the filters of all policies: compiled, and run against what the profile means.
int check(Context& context, const Look& look) {
  return with_profile(context, look, [&](const Profile& profile) {
    std::optional<seccomp::Program> program;
    for (const auto& [word, policy] : policies()) {
      auto built = seccomp::build(profile, policy, look.context.arch);
      if (!built) return complain(context, built.error().message, kNotFound);
      program = std::move(*built);
    }
    if (context.json) {
      print_json(context, to_json(*program));
      return static_cast<int>(kOk);
    }
    const seccomp::Summary& summary = program->summary;
    context.out << printable(look.profile) << ": ok for " << seccomp::name(program->arch) << ": "
                << summary.allowed << " calls allowed, " << summary.by_arguments << " by their arguments, "
                << summary.denied << " denied, " << summary.no_such_syscall << " ENOSYS; "
                << program->instructions.size() << " instructions\n";
    if (!summary.names_without_number.empty()) {
      std::string names;
      for (const std::string& name : summary.names_without_number) names += " " + name;
      context.out << "not on this architecture:" << names << "\n";
    }
    return static_cast<int>(kOk);
  });
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> call_number(Arch arch, const std::string& call) {
  for (const auto& known : seccomp::known_syscalls(arch))
    if (known.name == call) return known.number;
  return std::nullopt;
}

std::string rule_text(const Profile& profile, const seccomp::Rule* rule) {
  if (rule == nullptr)
    return "no rule names it in this case: the profile's default, " + describe(profile.default_action);
  const std::string what = describe(rule->action) + " ";
  return what + (rule->conditions.empty() ? "whatever its arguments" : "if " + describe(rule->conditions)) +
         (rule->layer == 0 ? "" : " (on top of the base)");
}

struct Question {
  std::string call;
  std::vector<std::string> arguments;
};

int explain(Context& context, const Look& look, const Question& question) {
  return with_profile(context, look, [&](const Profile& profile) {
    const Arch arch = look.context.arch;
    const auto number = call_number(arch, question.call);
    if (!number) {
      const bool is_elsewhere = seccomp::is_syscall_name(question.call);
      std::vector<std::string> names;
      for (const auto& call : seccomp::known_syscalls(arch)) names.push_back(call.name);
      const auto near = config::nearest(question.call, names);
      return complain(context,
                      (is_elsewhere ? std::string(seccomp::name(arch)) + " has no syscall '"
                                    : "no architecture has a syscall '") +
                          question.call + "'" + (near ? ", did you mean '" + *near + "'?" : ""),
                      kNotFound);
    }
    seccomp_data data{*number, seccomp::audit_arch(arch), 0, {}};
    for (std::size_t i = 0; i < question.arguments.size(); ++i) {
      const auto value = number_in(question.arguments[i]);
      if (!value)
        return complain(context, "'" + question.arguments[i] + "' is no number: write 5 or 0x5412", kUsage);
      data.args[i] = *value;
    }
    const seccomp::Meaning meaning(profile, look.policy, arch);
    const auto calls = seccomp::answers(profile, look.policy, arch);
    const auto call = std::ranges::find(calls, *number, &seccomp::CallAnswers::number);
    const bool is_open = question.arguments.empty() && !call->rules.empty();
    const std::string answer =
        is_open ? call->text() : seccomp::describe_return(meaning.expected_action(data));
    const std::string rule = is_open ? "" : rule_text(profile, meaning.deciding_rule(data));
    if (context.json) {
      Json json = to_json(*call);
      json["answer"] = is_open ? Json(nullptr) : Json(answer);
      json["rule"] = is_open ? Json(nullptr) : Json(rule);
      print_json(context, json);
    } else if (is_open) {
      context.out << question.call << " depends on its arguments:\n";
      for (const std::string& line : lines_of(*call)) context.out << "  " << line << "\n";
    } else {
      context.out << question.call << ": " << answer << "\n  rule: " << rule << "\n";
    }
    return static_cast<int>(kOk);
  });
}

void print_difference(Context& context, const seccomp::CallAnswers& before,
                      const seccomp::CallAnswers& after) {
  const auto was = lines_of(before), is = lines_of(after);
  context.out << before.name << "\n";
  for (const std::string& line : was)
    if (std::ranges::find(is, line) == is.end()) context.out << "  - " << line << "\n";
  for (const std::string& line : is)
    if (std::ranges::find(was, line) == was.end()) context.out << "  + " << line << "\n";
}

int diff(Context& context, const Look& look, const std::string& other_name) {
  const auto one = load_profile(context, look.profile, look.context);
  const auto other = load_profile(context, other_name, look.context);
  if (!one || !other) return kNotFound;
  const auto before = seccomp::answers(*one, look.policy, look.context.arch);
  const auto after = seccomp::answers(*other, look.policy, look.context.arch);
  Json all = Json::array();
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].text() == after[i].text()) continue;
    if (!context.json) print_difference(context, before[i], after[i]);
    all.push_back(
        {{"syscall", before[i].name}, {"before", to_json(before[i])}, {"after", to_json(after[i])}});
  }
  if (context.json) {
    print_json(context, all);
  } else if (all.empty()) {
    context.out << "the same answer to every call\n";
  }
  return kOk;
}

struct Export {
  std::string format = "bpf";
  std::string file;
};

Result<std::string> exported(const Profile& profile, const Look& look, const std::string& format) {
  if (format == "oci") return config::to_oci(profile, look.context.arch);
  HERD_TRY(const auto program, seccomp::build(profile, look.policy, look.context.arch));
  if (format == "pfc") return seccomp::disassemble(program.instructions);
  return std::string(reinterpret_cast<const char*>(program.instructions.data()),
                     program.instructions.size() * sizeof(sock_filter));
}

int export_profile(Context& context, const Look& look, const Export& wanted) {
  return with_profile(context, look, [&](const Profile& profile) {
    const auto text = exported(profile, look, wanted.format);
    if (!text) return complain(context, text.error().message, kRefused);
    if (wanted.file.empty()) {
      if (wanted.format == "bpf" && context.terminal.is_tty)
        return complain(context, "a filter is no text for a terminal: name a file with --to, or pipe it",
                        kUsage);
      context.out << *text;
      return static_cast<int>(kOk);
    }
    const auto written = kernel::replace_file(wanted.file, *text, 0644);
    return written ? static_cast<int>(kOk) : complain(context, written.error().message, kRefused);
  });
}

int lint(Context& context, const Look& look) {
  return with_profile(context, look, [&](const Profile& profile) {
    const auto findings = seccomp::lint(profile, look.context.arch);
    Json all = Json::array();
    Table table({"KIND", "SYSCALL", "WHAT"});
    for (const auto& finding : findings) {
      table.add({std::string(seccomp::name(finding.kind)), finding.call, finding.message});
      all.push_back(
          {{"kind", seccomp::name(finding.kind)}, {"syscall", finding.call}, {"message", finding.message}});
    }
    if (context.json) {
      print_json(context, all);
    } else if (findings.empty()) {
      context.out << "nothing found\n";
    } else {
      table.print(context);
    }
    return static_cast<int>(findings.empty() ? kOk : kRefused);
  });
}

void add_list(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("list", "the built-in profiles");
  auto asked = std::make_shared<config::ProfileContext>();
  add_profile_context(*verb, *asked);
  verb->callback([&context, asked] { context.exit_code = list(context, *asked); });
}

void add_explain(CLI::App& app, Context& context) {
  const auto [verb, look] = add_look(app, "explain", "what is answered to a call, and the rule that says so");
  auto question = std::make_shared<Question>();
  verb->add_option("SYSCALL", question->call, "its name")->required();
  verb->add_option("ARGS", question->arguments, "its arguments from the first on, as 5 or 0x5412")
      ->expected(0, seccomp::kArgumentCount);
  verb->callback(
      [&context, look = look, question] { context.exit_code = explain(context, *look, *question); });
}

void add_diff(CLI::App& app, Context& context) {
  const auto [verb, look] = add_look(app, "diff", "the calls to which two profiles answer differently");
  auto other = std::make_shared<std::string>();
  verb->add_option("OTHER", *other, "the other profile")->required();
  verb->callback([&context, look = look, other] { context.exit_code = diff(context, *look, *other); });
}

void add_export(CLI::App& app, Context& context) {
  const auto [verb, look] = add_look(app, "export", "a profile as a filter or for other tools");
  auto wanted = std::make_shared<Export>();
  verb->add_option(
          "--format", wanted->format,
          "bpf: the filter's bytes, as bwrap --seccomp takes them; pfc: its instructions as text; oci: JSON "
          "for Docker and podman")
      ->check(CLI::IsMember({"bpf", "pfc", "oci"}))
      ->capture_default_str();
  verb->add_option("--to", wanted->file, "the file to write; default: stdout");
  verb->callback(
      [&context, look = look, wanted] { context.exit_code = export_profile(context, *look, *wanted); });
}

}  // namespace

void add_seccomp_verbs(CLI::App& app, Context& context) {
  CLI::App* about = app.add_subcommand("seccomp", "seccomp profiles: what they say, and why");
  about->require_subcommand(1);
  about->fallthrough();
  add_list(*about, context);
  const auto add = [&](const std::string& name, const std::string& doc, int (*run)(Context&, const Look&),
                       bool has_policy) {
    const auto [verb, look] = add_look(*about, name, doc, has_policy);
    verb->callback([&context, look = look, run] { context.exit_code = run(context, *look); });
  };
  add("show", "what a profile answers to each call", show, true);
  add("check", "reads a profile, makes its filters and runs them against it; exit code 3 if it has issues",
      check, false);
  add_suggest_verb(*about, context);
  add_record_verb(*about, context);
  add_explain(*about, context);
  add_diff(*about, context);
  add_export(*about, context);
  add("lint", "what in a profile is likely not meant; exit code 1 if anything is found", lint, false);
}

}  // namespace herd::cli
