// herdd: keeps pools of sandboxed workers and pins one session to one worker.
#include <CLI/CLI.hpp>
#include <iostream>

#include "common/log.hpp"
#include "config/default_paths.hpp"
#include "config/load.hpp"
#include "daemon/herdd/daemon.hpp"
#include "daemon/herdd/host.hpp"

namespace {

constexpr int kBadConfig = 3;
constexpr int kCannotStart = 1;

int run(const std::string& file, bool only_check) {
  using namespace herd;
  auto host = daemon::settle_on_host();
  if (!host) {
    std::cerr << "herdd: " << host.error().message << "\n";
    return kCannotStart;
  }
  auto loaded = config::load(file, host->facts);
  if (!loaded) {
    std::cerr << config::to_text(loaded.error()) << "\n";
    std::cerr << "herdd: " << loaded.error().size() << " errors in the configuration; nothing was started\n";
    return kBadConfig;
  }
  if (only_check) {
    std::cout << "ok: " << file << " and " << loaded->pools.size() << " pools\n";
    return 0;
  }
  set_up_log(loaded->daemon.log.level,
             loaded->daemon.log.format == config::LogFormat::json ? LogStyle::json : LogStyle::text);
  auto daemon = daemon::Daemon::create(std::move(*loaded), std::move(*host));
  if (!daemon) {
    log_error("cannot start: " + daemon.error().message);
    return kCannotStart;
  }
  (*daemon)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"herdd keeps pools of sandboxed workers and pins one session to one worker.", "herdd"};
  std::string file = herd::config::default_paths().file;
  bool only_check = false;
  app.add_option("--config", file,
                 "the daemon's file; an ordinary user's is $XDG_CONFIG_HOME/herd/herd.json "
                 "(~/.config/herd/herd.json)")
      ->capture_default_str();
  app.add_flag("--check", only_check,
               "read and check all files, print every error, start nothing (exit 3 on errors)");
  app.set_version_flag("--version", std::string("herdd ") + HERD_VERSION);
  app.footer(
      "Signals: SIGTERM and SIGINT stop gracefully, SIGHUP reloads. Exit codes: 0 stopped, 1 cannot start, 3 "
      "bad configuration.");
  CLI11_PARSE(app, argc, argv);
  if (file.empty()) {
    std::cerr << "herdd: there is no default for --config, as neither XDG_CONFIG_HOME nor HOME is set\n";
    return kCannotStart;
  }
  try {
    return run(file, only_check);
  } catch (const std::exception& error) {
    std::cerr << "herdd: " << error.what() << "\n";
    return kCannotStart;
  }
}
