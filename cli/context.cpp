#include "cli/context.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/human.hpp"

namespace herd::cli {

namespace {

/// A refused configuration is a list, one line each.
std::string printable_lines(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string lines;
  for (;;) {
    const std::size_t end = text.find('\n');
    lines += printable(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace

int exit_code_for(unsigned http_status) {
  switch (http_status) {
    case 403:
      return kForbidden;
    case 404:
      return kNotFound;
    case 429:
    case 503:
    case 504:
      return kTryAgain;
    default:
      return http_status >= 200 && http_status < 300 ? kOk : kRefused;
  }
}

Terminal real_terminal() {
  Terminal terminal;
  terminal.is_tty = isatty(STDOUT_FILENO) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  terminal.colours = terminal.is_tty && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (terminal.is_tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) terminal.columns = size.ws_col;
  return terminal;
}

int complain(Context& context, const std::string& message, int code) {
  context.out.flush();
  context.err << "herdctl: " << printable_lines(message) << "\n" << std::flush;
  return code;
}

int complain_refused(Context& context, const protocol::Reply& reply) {
  const int code = exit_code_for(reply.status);
  const auto refusal = protocol::refusal_from(reply.body);
  if (!refusal) return complain(context, "the daemon answered " + std::to_string(reply.status), code);
  if (context.json) {
    context.err << reply.body.dump(2) << "\n" << std::flush;
    return code;
  }
  complain(context, refusal->message, code);
  if (!refusal->hint.empty()) context.err << "  hint: " << printable(refusal->hint) << "\n" << std::flush;
  return code;
}

void print_json(Context& context, const Json& body) {
  context.out << body.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

int ask(Context& context, const protocol::Request& request, const std::function<void(const Json&)>& print) {
  protocol::Client client = context.client();
  const auto reply = client.send(request);
  if (!reply) return complain(context, reply.error().message, kUnreachable);
  if (!reply->ok()) return complain_refused(context, *reply);
  if (context.json) {
    print_json(context, reply->body);
  } else {
    print(reply->body);
  }
  return kOk;
}

}  // namespace herd::cli
