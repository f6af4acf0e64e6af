// What a caught call gets, once it is noted.
#pragma once

#include <cerrno>

#include "cli/record/recording.hpp"
#include "common/seccomp/listener.hpp"

namespace herd::record {

/// One call that waits. `note` is told of it and says what it shall get.
template <typename Note>
void answer(seccomp::Listener& listener, Note note) {
  const seccomp_notif* call = listener.receive();
  if (call == nullptr) return;  // it was killed since
  if (note(call->data) == Recording::Answer::no_such_syscall)
    listener.fail_call(call->id, ENOSYS);
  else
    listener.go_on(call->id);
}

}  // namespace herd::record
