# What the scripts of this folder share. Each prints one line for each thing that it checked; ../run counts them.
# shellcheck shell=bash
set -uo pipefail
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
BIN=$TREE/build/release/bin
failures=0
export TREE BIN

ok() { echo "ok $*"; }
skipped() { echo "skipped $*"; }
failed() {
  echo "failed $*"
  failures=$((failures + 1))
}

# check NAME COMMAND...: false where it failed, and then what the command printed is shown.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    ok "$name"
  else
    failed "$name"
    printf '%s\n' "$output" | sed 's/^/    /'
    return 1
  fi
}

# Where nothing that follows could hold.
give_up() {
  journalctl --no-pager --lines=40
  finish
}

# is NAME FOUND WANTED
is() {
  if [[ $2 == "$3" ]]; then ok "$1"; else failed "$1: '$2' instead of '$3'"; fi
}

# within SECONDS COMMAND...: again and again until it is true. TCG is slow: be generous.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

# field EXPRESSION: of the JSON on stdin, as Python writes it: field "d['workers'][0]['id']"
field() {
  python3 -c "import json,sys; d=json.load(sys.stdin); v=$1; print(v if isinstance(v,str) else json.dumps(v))" 2>/dev/null ||
    echo "no $1"
}

# make_user NAME: with the subordinate ids that useradd gives, and without a password.
make_user() { useradd --create-home --shell /bin/bash "$1"; }

# as_user NAME COMMAND-LINE: in a session of that user's own, as after a login.
as_user() { su --login "$1" --command "$2"; }

finish() { exit "$((failures > 0))"; }
