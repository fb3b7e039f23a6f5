# shellcheck shell=bash
# What all parts use: the copy of the checkout, PASS and FAIL, the load generator.

passed=0 failed=0 skipped=0
project=dremio-mcp-verify
work=$(mktemp -d)
port=${VERIFY_PORT:-18000}
url=http://127.0.0.1:$port/mcp
key_file=deploy/sandbox/mcp_api_keys

# Settings of the person who runs this must not leak in, but for where the official server comes
# from.
for name in COMPOSE_FILE $(sed -nE 's/^#?([A-Z][A-Z0-9_]*)=.*/\1/p' .env.example); do
  [[ $name == DREMIO_MCP_UPSTREAM ]] || unset "$name"
done
# The load has one key, and no limit.
export MCP_RATE_LIMIT=off
export COMPOSE_PROJECT_NAME=$project IMAGE_TAG=verify MCP_PUBLISH=127.0.0.1:$port ADMIN_PUBLISH=127.0.0.1:$((port + 1464)) COMPOSE_ANSI=never COMPOSE_PROGRESS=quiet
gateway_image=dremio-mcp:verify-official

pass() { printf 'PASS  %s\n' "$*"; passed=$((passed + 1)); }
fail() { printf 'FAIL  %s\n' "$*"; failed=$((failed + 1)); }
skip() { printf 'SKIP  %s\n' "$*"; skipped=$((skipped + 1)); }
figure() { printf '      %s\n' "$*"; }

check() { # CLAIM COMMAND…: the command succeeds
  local claim=$1 output
  shift
  if output=$("$@" 2>&1); then pass "$claim"; else fail "$claim"; figure "$* → $(tail -n 2 <<<"$output")"; fi
}

refused() { # CLAIM COMMAND…: the command fails
  local claim=$1 output
  shift
  if output=$("$@" 2>&1); then fail "$claim"; figure "$* → $(tail -n 2 <<<"$output")"; else pass "$claim"; fi
}

equal() { # CLAIM EXPECTED ACTUAL
  if [[ $2 == "$3" ]]; then pass "$1 ($3)"; else fail "$1: expected $2, got $3"; fi
}

at_most() { # CLAIM LIMIT ACTUAL
  if awk -v a="$3" -v b="$2" 'BEGIN { exit !(a <= b) }'; then pass "$1 ($3 ≤ $2)"; else fail "$1: $3 is over $2"; fi
}

at_least() { # CLAIM LIMIT ACTUAL
  if awk -v a="$3" -v b="$2" 'BEGIN { exit !(a >= b) }'; then pass "$1 ($3 ≥ $2)"; else fail "$1: $3 is under $2"; fi
}

await() { # SECONDS COMMAND…: until it succeeds
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.3
  done
}

# Everything that belongs to the project as a clone would have it: what is committed, or would be.
fresh_clone() {
  git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from - | tar -x -C "$work"
  cd "$work" || exit 1
}

sandbox_compose() { docker compose --profile sandbox "$@"; }
container() { sandbox_compose ps --all --quiet "$1"; }
state_of() { docker inspect --format '{{.State.Health.Status}}' "$(container "$1")"; }
is_healthy() { [[ $(state_of "$1") == healthy ]]; }
all_healthy() { is_healthy dremio-sandbox && is_healthy token-refresher && is_healthy dremio-mcp; }
restarts_of() { docker inspect --format '{{.RestartCount}}' "$(container "$1")"; }
started_at() { docker inspect --format '{{.State.StartedAt}}' "$(container "$1")"; }
logs_of() { docker logs "$(container "$1")" 2>&1; }
events() { logs_of "$1" | grep -c "\"event\":\"$2\"" || true; }

mcp() { # list|query [FLAGS]
  local command=$1
  shift
  python3 scripts/verify/mcp.py "$command" --url "$url" --key-file "$key_file" "$@"
}
answers() { mcp query >/dev/null 2>&1; }

# Root in the token's volume, for what an operator (or a disk) does to it.
in_volume() { docker run --rm --user 0 --entrypoint sh --volume "${project}_tokens:/volume" "$gateway_image" -c "$1"; }

load_start() { # [FLAGS]
  rm -f "$work/load.stop"
  python3 scripts/verify/mcp.py load --url "$url" --key-file "$key_file" --stop-file "$work/load.stop" "$@" >"$work/load.json" &
  load_pid=$!
}
load_stop() {
  touch "$work/load.stop"
  wait "$load_pid" || echo '{}' >"$work/load.json"
}
load_figure() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], 0))' "$work/load.json" "$1"; }

recovers() { # SECONDS WHAT: under load, without hands; ends the load
  local back=$SECONDS
  check "$2: calls are answered" await "$1" answers
  figure "after $((SECONDS - back)) s"
  check "all healthy again without hands" await 60 all_healthy
  load_stop
  figure "$(cat "$work/load.json")"
}

no_failed_call() { # CLAIM: of the load that was stopped last
  if (($(load_figure calls) < 50)); then fail "$1: there were only $(load_figure calls) calls"; else equal "$1: failed calls" 0 "$(load_figure failed)"; fi
}

start_all() { # [VARIABLE=VALUE …]
  env "$@" docker compose --profile sandbox up --detach --wait --wait-timeout 180 >"$work/up.log" 2>&1 ||
    { cat "$work/up.log"; sandbox_compose ps --all; sandbox_compose logs --tail 20; return 1; }
}
stop_all() { docker compose --profile '*' down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true; }

build_images() {
  stop_all
  local before=$SECONDS
  if ! docker compose --profile sandbox build >"$work/build.log" 2>&1; then
    tail -n 40 "$work/build.log"
    exit 1
  fi
  figure "images built in $((SECONDS - before)) s (with what this engine had cached)"
}

clean_up() {
  touch "$work/load.stop"
  stop_all
  if declare -F clean_up_swarm >/dev/null; then clean_up_swarm; fi
  cd /
  rm -rf "$work"
}
