# A running herdd looked at from outside: what user_service and system_service have in common.
# The script defines ctl (herdctl as the one whose daemon it is) and sets $unit_cgroup and $workers_cgroup.
# shellcheck shell=bash

# write_pools DIRECTORY: one of the installed example's, one whose worker can be told to eat memory.
write_pools() {
  cat >"$1/echo.json" <<END
{"command": ["/usr/local/lib/herd/examples/echo-worker"],
 "workers": {"min": 2, "max": 3, "spare": 1},
 "limits": {"memory": "64MiB", "cpu": 0.5, "pids": 16},
 "ready": {"timeout": "60s"},
 "sandbox": {"network": "none"}}
END
  cat >"$1/eater.json" <<END
{"command": ["$BIN/testees/testee", "serve"],
 "workers": {"min": 1, "max": 2, "spare": 0},
 "limits": {"memory": "24MiB"},
 "ready": {"timeout": "60s"},
 "sandbox": {"seccomp": "off", "filesystem": {"read_only": ["$BIN"]}}}
END
}

# In JSON, all that a pool has of workers that are ready.
idle() { ctl -o json workers "$1" | field "[w for w in d['workers'] if w['state'] in ('idle', 'bound')]"; }
has_idle() { [[ $(idle "$1" | field "len(d) >= $2") == true ]]; }
event() { ctl -o json events | grep -F "$1" | grep --quiet -F "$2"; }

# ask ADDRESS PATH: of a worker, by the socket that herd gave it
ask() { curl --silent --show-error --max-time 60 --unix-socket "${1#unix:}" "http://worker$2"; }

check_ready() {
  check "$1: pool echo has its workers" within 120 has_idle echo 2 || give_up
  check "$1: pool eater has its worker" within 120 has_idle eater 1 || give_up
  local worker record
  worker=$(idle echo | field "d[0]['id']")
  record=$(ctl -o json inspect "$worker")
  is "$1: $worker is verified" "$(field "d['isolation']['verified']" <<<"$record")" true
  is "$1: nothing is left out" "$(field "d['isolation']['left_out']" <<<"$record")" '[]'
  is "$1: all that was wanted was found" \
    "$(field "[c for c in d['isolation']['checks'] if not c['ok']]" <<<"$record")" '[]'
}

check_limits() {
  local pid cgroup directory
  pid=$(idle echo | field "d[0]['pid']")
  cgroup=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
  directory=/sys/fs/cgroup$cgroup
  if [[ $cgroup == "$workers_cgroup"/* ]]; then
    ok "$1: its worker is below $workers_cgroup"
  else
    failed "$1: its worker is in $cgroup, not below $workers_cgroup"
  fi
  is "$1: memory.max" "$(cat "$directory/memory.max")" $((64 << 20))
  is "$1: memory.swap.max" "$(cat "$directory/memory.swap.max")" 0
  is "$1: cpu.max" "$(cat "$directory/cpu.max")" '50000 100000'
  is "$1: pids.max" "$(cat "$directory/pids.max")" 16
  is "$1: memory.oom.group" "$(cat "$directory/memory.oom.group")" 1
  is "$1: herdd itself is not in a worker's tree" "$(grep --count /echo/ "/proc/$(herdd_pid)/cgroup")" 0
}

# The answer tells how many requests this worker had.
check_session() {
  local address
  address=$(ctl -o json acquire echo ada | field "d['address']")
  check "$1: the session is served" ask "$address" /
  is "$1: the same worker again" "$(ctl -o json acquire echo ada | field "d['address']")" "$address"
  check "$1: the session ends" ctl release echo ada
}

check_oom() {
  local answer worker
  answer=$(ctl -o json acquire eater ben)
  worker=$(field "d['worker']" <<<"$answer")
  ask "$(field "d['address']" <<<"$answer")" /eat >/dev/null 2>&1
  check "$1: the reason for what ate too much" within 60 event "\"worker\":\"$worker\"" oom_killed
  ctl -o json events | grep -F "$worker" | grep gone
}

cgroup_is_gone() { ! [[ -d /sys/fs/cgroup$1 ]]; }
