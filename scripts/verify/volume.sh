# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# The token's volume unwritable and back; its disk full and back. Tokens live 30 s.

readyz() { docker run --rm --network "container:$(container "$1")" --entrypoint python "$gateway_image" -c \
  "import urllib.request, urllib.error
try: print(urllib.request.urlopen('http://127.0.0.1:$2/readyz').read().decode())
except urllib.error.HTTPError as e: print(e.read().decode())"; }
reason_is() { readyz token-refresher 9465 | grep -q "\"reason\":\"$1\""; }

short_lives=(SANDBOX_TOKEN_LIFETIME=30s TOKEN_CHECK_INTERVAL=2s TOKEN_REVOKE_AFTER=0 RETRY_MAX=3s)
start_all "${short_lives[@]}"
load_start --workers 4
in_volume 'chmod 550 /volume'
check "volume unwritable: token-refresher names the reason" await 60 reason_is permission_denied
figure "$(readyz token-refresher 9465)"
figure "$(logs_of token-refresher | grep -m1 -o '"error":"[^"]*may not write[^"]*"')"
sleep 25
in_volume 'chmod 2750 /volume'
recovers 30 "volume writable again"
equal "restarts" "0 0" "$(restarts_of token-refresher) $(restarts_of dremio-mcp)"
stop_all

cat >"$work/small-disk.yml" <<'YAML'
volumes:
  tokens:
    driver_opts: {type: tmpfs, device: tmpfs, o: "size=64k,uid=10001,gid=10000,mode=2750"}
YAML
export COMPOSE_FILE=docker-compose.yml:docker-compose.override.yml:$work/small-disk.yml
start_all "${short_lives[@]}"
load_start --workers 4
in_volume 'dd if=/dev/zero of=/volume/filler bs=1k 2>/dev/null; true'
check "disk full: token-refresher names the reason" await 60 reason_is disk_full
sleep 10
in_volume 'rm /volume/filler'
recovers 30 "space again"
equal "restarts" "0 0" "$(restarts_of token-refresher) $(restarts_of dremio-mcp)"
equal "no half-written file is left" "gateway.key token.json" "$(in_volume 'ls -A /volume' | tr '\n' ' ' | sed 's/ $//')"
stop_all
unset COMPOSE_FILE
