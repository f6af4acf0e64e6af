// herdctl seccomp record: a profile from what a command does.
#include "cli/pool_recording.hpp"
#include "cli/record/command.hpp"
#include "cli/verbs.hpp"

namespace herd::cli {
namespace {

int code_of_ending(record::Ending ending, int refusal) {
  switch (ending) {
    case record::Ending::written:
      return kOk;
    case record::Ending::wrong_usage:
      return kUsage;
    case record::Ending::not_started:
      return kCommandNotRun;
    case record::Ending::refused_by_pool:
      return refusal;
    case record::Ending::not_written:
      return kRefused;
  }
  return kRefused;
}

}  // namespace

void add_record_verb(CLI::App& seccomp, Context& context) {
  const auto refusal = std::make_shared<int>(kRefused);
  const auto record_pool = [&context, refusal](const std::string& pool, const record::Order& order,
                                               record::Recording& recording) {
    return record_in_pool(context, pool, order, recording, *refusal);
  };
  record::add_record_command(seccomp,
                             {context.out, context.err, context.command, context.json, record_pool,
                              [&context, refusal](record::Ending ending, const std::string& problem) {
                                const int code = code_of_ending(ending, *refusal);
                                context.exit_code = problem.empty() ? code : complain(context, problem, code);
                              }});
}

}  // namespace herd::cli
