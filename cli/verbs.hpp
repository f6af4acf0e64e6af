// Each adds its verbs to the command line. A verb's callback leaves its exit code in the context.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/context.hpp"

namespace herd::cli {

void add_read_verbs(CLI::App& app, Context& context);     // status pools workers inspect sessions version
void add_acquire_verbs(CLI::App& app, Context& context);  // acquire release
void add_operate_verbs(CLI::App& app, Context& context);  // scale drain resume restart stop reload
void add_stream_verbs(CLI::App& app, Context& context);   // events logs
void add_run_verb(CLI::App& app, Context& context);       // run
void add_config_verbs(CLI::App& app, Context& context);   // check config
void add_seccomp_verbs(CLI::App& app, Context& context);  // seccomp list, show, check, ...
void add_record_verb(CLI::App& seccomp, Context& context);
void add_suggest_verb(CLI::App& seccomp, Context& context);
void add_doctor_verb(CLI::App& app, Context& context);  // doctor

}  // namespace herd::cli
