# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# The audit file: on its volume, over another container and `down`, checked and read in the
# container.

export DREMIO_MCP_TARGET=native AUDIT_FILE=/audit/audit.jsonl
audit() { docker compose exec -T dremio-mcp dremio-mcp audit "$@"; }
last_line() { audit verify | sed -nE 's/.*: lines [0-9]+ to ([0-9]+).*/\1/p' | tail -n 1; }

start_all
for _ in 1 2 3; do answers || true; done
check "audit verify in the container" audit verify
first=$(last_line)
at_least "lines of three calls" 4 "$first"
docker compose up --detach --wait --force-recreate dremio-mcp >/dev/null 2>&1
check "calls after up --force-recreate" await 30 answers
check "audit verify after it" audit verify
at_least "the lines of both containers" "$((first + 2))" "$(last_line)"
second=$(last_line)
docker compose down >/dev/null 2>&1
start_all
check "calls after down and up" await 30 answers
check "audit verify after it" audit verify
at_least "the lines of all three" "$((second + 2))" "$(last_line)"
check "audit top names the tool" sh -c "docker compose exec -T dremio-mcp dremio-mcp audit top | grep -q RunSqlQuery"
docker compose kill --signal HUP dremio-mcp >/dev/null 2>&1
check "SIGHUP begins another file" await 10 sh -c "docker compose exec -T dremio-mcp dremio-mcp audit verify | grep -qE 'audit.jsonl.[0-9]{12}: lines'"
equal "and stops nothing" 0 "$(restarts_of dremio-mcp)"
figure "$(audit verify | tail -n 1)"
check "doctor is content with it" sh -c "docker compose exec -T dremio-mcp dremio-mcp doctor | grep -q '✓ audit'"
stop_all
unset DREMIO_MCP_TARGET AUDIT_FILE
