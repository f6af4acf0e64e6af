// What this host offers, each thing tried; needs no daemon.
#include <algorithm>
#include <cstring>

#include "cli/command.hpp"
#include "cli/doctor/check.hpp"
#include "cli/doctor/checks.hpp"
#include "cli/human.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"

namespace herd::cli {
namespace {

using doctor::Check;
using doctor::Finding;
using doctor::Verdict;

std::vector<Check> all_checks(const doctor::Place& place, const doctor::CgroupTrials& trials) {
  std::vector<Check> all;
  for (auto&& area : {doctor::host_checks(place), doctor::process_checks(), doctor::namespace_checks(),
                      doctor::mount_checks(), doctor::cgroup_checks(trials), doctor::identity_checks(place),
                      doctor::seccomp_checks(), doctor::audit_checks()})
    all.insert(all.end(), area.begin(), area.end());
  return all;
}

std::vector<Finding> examine(const doctor::Place& place) {
  const doctor::CgroupTrials trials(doctor::CgroupSource::read(place.is_ordinary_users()));
  std::vector<Finding> findings;
  for (const Check& check : all_checks(place, trials)) findings.push_back(doctor::run(check));
  return findings;
}

Json json_of(Verdict verdict) {
  return verdict == Verdict::not_needed ? Json(nullptr) : Json(verdict == Verdict::had);
}

Json to_json(const Finding& finding) {
  const char* name = finding.errno_value == 0 ? nullptr : strerrorname_np(finding.errno_value);
  return {
      {"name", finding.name},
      {"had", json_of(finding.verdict)},
      {"needed_for", finding.needed_for},
      {"is_needed_by_every_pool", finding.need == doctor::Need::every_pool},
      {"why", finding.why},
      {"errno", name == nullptr ? Json(nullptr) : Json(name)},
      {"in_user_namespace", finding.in_user_namespace ? json_of(*finding.in_user_namespace) : Json(nullptr)},
      {"remedy", finding.remedy.empty() ? Json(nullptr) : Json(finding.remedy)}};
}

std::string word_for(const Finding& finding) {
  if (finding.verdict == Verdict::not_needed) return "-";
  if (finding.verdict == Verdict::had) return "yes";
  return finding.need == doctor::Need::every_pool ? "NO" : "no";
}

/// Each remedy once, with all that it would help; never cut, as here it says what the table may not.
void print_remedies(Context& context, const std::vector<Finding>& findings) {
  std::vector<std::string> remedies;
  for (const Finding& finding : findings)
    if (!finding.remedy.empty() && std::ranges::find(remedies, finding.remedy) == remedies.end())
      remedies.push_back(finding.remedy);
  if (!remedies.empty()) context.out << "\nwhat to do\n";
  for (const std::string& remedy : remedies) {
    context.out << "  " << printable(remedy) << "\n";
    for (const Finding& finding : findings)
      if (finding.remedy == remedy)
        context.out << "    " << finding.name << ": " << printable(finding.why) << "\n";
  }
}

void print_table(Context& context, const std::vector<Finding>& findings) {
  Table table({"WHAT", "HAD", "NEEDED FOR", "WHY"});
  for (const Finding& finding : findings)
    table.add({finding.name, word_for(finding), finding.needed_for, printable(finding.why)});
  table.print(context);
  print_remedies(context, findings);
  const bool is_enough = doctor::is_enough(findings);
  context.out << "\n"
              << (is_enough ? "a pool can have all that it needs by default"
                            : "a pool can't have what it needs by default")
              << "\n";
}

int doctor_verb(Context& context) {
  const doctor::Place place = doctor::take_herdds_place();
  // What is made to be tried is removed again: a Ctrl-C waits until then.
  const auto signals = SignalCatcher::start();
  if (!signals) return complain(context, signals.error().message, kRefused);
  const std::vector<Finding> findings = examine(place);
  const bool is_enough = doctor::is_enough(findings);
  if (context.json) {
    Json checks = Json::array();
    for (const Finding& finding : findings) checks.push_back(to_json(finding));
    print_json(context, {{"ok", is_enough}, {"checks", std::move(checks)}});
  } else {
    print_table(context, findings);
  }
  context.out.flush();
  return is_enough ? kOk : kLacking;
}

}  // namespace

void add_doctor_verb(CLI::App& app, Context& context) {
  app.add_subcommand(
         "doctor",
         "tries each kernel feature that herd uses, and says what to do; exit code 7 if a default "
         "pool can't have what it needs")
      ->callback([&context] { context.exit_code = doctor_verb(context); });
}

}  // namespace herd::cli
