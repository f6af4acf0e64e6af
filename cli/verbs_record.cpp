// herdctl seccomp record: a profile from what a command does.
#include "cli/record/command.hpp"
#include "cli/verbs.hpp"

namespace herd::cli {
namespace {

int exit_code_of(record::Ending ending) {
  switch (ending) {
    case record::Ending::written:
      return kOk;
    case record::Ending::wrong_usage:
      return kUsage;
    case record::Ending::not_started:
      return kCommandNotRun;
    case record::Ending::not_written:
      return kRefused;
  }
  return kRefused;
}

}  // namespace

void add_record_verb(CLI::App& seccomp, Context& context) {
  record::add_record_command(seccomp, {context.out, context.err, context.command, context.json,
                                       [&context](record::Ending ending, const std::string& problem) {
                                         const int code = exit_code_of(ending);
                                         context.exit_code =
                                             problem.empty() ? code : complain(context, problem, code);
                                       }});
}

}  // namespace herd::cli
