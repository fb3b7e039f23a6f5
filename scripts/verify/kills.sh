# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# Each container killed in turn, under load; then Dremio away for a minute. Nobody helps.

start_all TOKEN_CHECK_INTERVAL=5s
# Docker treats `docker kill` as the wish of a person and does not restart such a container. A crash
# is what is meant, so the process is killed from outside of the container, by root in its process
# namespace.
crash() {
  docker run --rm --user 0 --cap-add KILL --pid "container:$(container "$1")" --entrypoint sh "$gateway_image" -c \
    'for p in /proc/[0-9]*; do read -r name <$p/comm; [ "$name" = '"${1:0:15}"' ] && kill -9 "${p#/proc/}"; done; true' 2>/dev/null || true
}

for victim in dremio-mcp token-refresher dremio-sandbox; do
  load_start --workers 4
  sleep 3
  before=$(started_at "$victim")
  crash "$victim"
  was_restarted() { [[ $(started_at "$victim") != "$before" ]]; }
  check "$victim killed: Docker starts it again" await 30 was_restarted
  check "$victim killed: all is healthy again without hands" await 60 all_healthy
  sleep 3
  load_stop
  figure "$victim: $(cat "$work/load.json")"
  check "$victim killed: calls are answered again" answers
done
figure "while token-refresher was away, calls went on with the token that was there"

# `docker kill` itself: the person who did that starts it again.
load_start --workers 4
sleep 2
docker kill "$(container token-refresher)" >/dev/null
sleep 10
load_stop
no_failed_call "docker kill token-refresher, not started again for 10 s"
sandbox_compose start token-refresher >/dev/null 2>&1
check "all healthy after docker compose start" await 60 all_healthy

restarts=$(restarts_of dremio-mcp)
load_start --workers 4
docker stop --time 2 "$(container dremio-sandbox)" >/dev/null
sleep 5
equal "Dremio stopped: dremio-mcp stays healthy (a restart would not help)" healthy "$(state_of dremio-mcp)"
equal "and says not ready" 503 "$(curl -s -o /dev/null -w '%{http_code}' "${url%/mcp}/readyz")"
figure "a caller is told: $(mcp query 2>&1 | tail -n 1)"
sleep 55
docker start "$(container dremio-sandbox)" >/dev/null
recovers 60 "Dremio back after a minute"
equal "dremio-mcp was not restarted" "$restarts" "$(restarts_of dremio-mcp)"
stop_all
