// What every verb has at hand: where to print, how, and which daemon to ask.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/exit_code.hpp"
#include "protocol/control/client.hpp"

namespace herd::cli {

using protocol::Json;

struct Terminal {
  bool is_tty = false;
  bool colours = false;
  int columns = 0;  // lines are cut to it; 0: never
};
/// Of this process's stdout; NO_COLOR is honoured.
Terminal real_terminal();

struct Context {
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  std::string socket;
  bool json = false;
  std::vector<std::string> command;  // what stood after "--"
  int exit_code = kOk;

  [[nodiscard]] protocol::Client client() const { return protocol::Client(socket); }
};

/// "herdctl: message" on stderr; returns `code`.
int complain(Context& context, const std::string& message, int code);
/// The daemon's refusal, with its hint; with -o json its JSON. Returns the exit code for its status.
int complain_refused(Context& context, const protocol::Reply& reply);

/// Asks, and prints the answer: as JSON, or by `print`. Returns the exit code.
int ask(Context& context, const protocol::Request& request, const std::function<void(const Json&)>& print);
void print_json(Context& context, const Json& body);

}  // namespace herd::cli
