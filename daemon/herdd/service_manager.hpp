// What herdd tells the service manager that started it (sd_notify(3)); nothing where there is none.
#pragma once

#include <string>

namespace herd::daemon {

void tell_service_manager(const std::string& message);
/// RELOADING=1 with the time that systemd asks for beside it.
std::string reloading_message();

}  // namespace herd::daemon
