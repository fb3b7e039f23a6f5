# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# One command from a fresh clone; sizes and times.

image_mb() { docker image inspect --format '{{.Size}}' "$1" | awk '{ printf "%.1f", $1 / 1000000 }'; }

equal "the Dockerfile and Compose pin the same commit of the official server" 1 \
  "$(grep -ohE 'dremio-mcp\.git#[0-9a-f]{40}' services/dremio-mcp/Dockerfile docker-compose.override.yml | sort -u | wc -l)"

before=$(date +%s.%N)
check "docker compose --profile sandbox up --build --wait" docker compose --profile sandbox up --build --wait
figure "build (cached) and start to healthy: $(awk -v a="$before" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }') s"
for service in dremio-sandbox token-refresher dremio-mcp; do
  equal "$service" healthy "$(state_of "$service")"
done
equal "nothing but the agents' port and the status page is published, and on loopback only" \
  "127.0.0.1:$port->8000/tcp"$'\n'"127.0.0.1:$((port + 1464))->9464/tcp" \
  "$(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Ports}}' | tr ',' '\n' | grep -e '->' | tr -d ' ' | sort)"
check "a client of revision 2026-07-28 outside of the containers lists tools" mcp list
figure "$(mcp list)"
equal "and queries" '{"result": [{"one": 1}]}' "$(mcp query 2>&1)"
equal "a client of revision 2025-06-18 queries, too" '{"result": [{"one": 1}]}' "$(mcp query --legacy 2>&1)"
refused "without a key nobody gets in" python3 scripts/verify/mcp.py list --url "$url" --key-file deploy/sandbox/dremio_password

before=$(date +%s.%N)
sandbox_compose down --timeout 20 >/dev/null 2>&1
check "docker compose up --wait, images there" docker compose --profile sandbox up --wait
figure "down and up to healthy: $(awk -v a="$before" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }') s"

at_most "dremio-mcp, target official, MB" 390 "$(image_mb "$gateway_image")"
at_most "token-refresher, MB" 12 "$(image_mb token-refresher:verify)"
figure "dremio-sandbox: $(image_mb dremio-sandbox:verify) MB"
DREMIO_MCP_TARGET=native docker compose build dremio-mcp >/dev/null 2>&1
at_most "dremio-mcp, target native, MB" 15 "$(image_mb dremio-mcp:verify-native)"

printf '\n// an edit\n' >>services/dremio-mcp/src/lib.rs
before=$SECONDS
check "a rebuild after an edit of the gateway" docker compose build dremio-mcp
figure "rebuild after an edit: $((SECONDS - before)) s"
stop_all
