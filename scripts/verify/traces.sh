# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# Traces from the container to a collector in its network, with the key for it as a secret's file.

collector=$project-collector
export DREMIO_MCP_TARGET=native
# Not exported: Docker's own programs would send traces of theirs there.
cat >.env <<ENV
OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318
OTEL_EXPORTER_OTLP_HEADERS_FILE=$work/otel_headers
OTEL_TRACES_SAMPLER=always_on
TRACES_ATTRIBUTES=site=berlin
ENV
printf 'x-collector-key=a%%20key%%20for%%20it\n' >"$work/otel_headers"
chmod 755 "$work"
chmod 644 "$work/otel_headers"
received() { docker logs "$collector" 2>&1; }
has() { received | grep -qF -- "$1"; }
said() { logs_of dremio-mcp | grep -qF -- "$1"; }
spans() { # NAME: the figure at /metrics, of all reasons
  curl -sS "http://127.0.0.1:$((port + 1464))/metrics" | awk -v name="dremio_mcp_spans_$1_total" 'index($1, name) == 1 { sum += $2 } END { print sum + 0 }'
}
loses() { (($(spans dropped) > 0)); }

docker rm --force "$collector" >/dev/null 2>&1 || true
start_all
docker run --detach --name "$collector" --network "${project}_backend" --network-alias collector --entrypoint python3 \
  --volume "$work/scripts/verify/collector.py:/collector.py:ro" "$gateway_image" /collector.py >/dev/null
check "a call is answered" answers
check "its trace arrives" await 30 has 'tools/call RunSqlQuery'
check "with the wait for its job" has 'dremio.job.id'
check "at /v1/traces, in Protobuf, with the key that the file has" has '/v1/traces application/x-protobuf key=[a key for it]'
check "with what is said of this gateway" has 'site'
refused "and nothing that Docker says of itself" has 'docker.cli'
refused "no statement is in it" has 'SELECT'
refused "the key is not in the container's environment" sh -c "docker inspect $(container dremio-mcp) | grep -q 'key for it\|key%20for%20it'"
at_least "spans sent" 4 "$(spans sent)"
equal "spans lost" 0 "$(spans dropped)"

docker stop --time 1 "$collector" >/dev/null
check "calls are answered while the collector is away" answers
check "what is lost is counted" await 60 loses
check "and said once" said 'traces do not reach their collector'
docker start "$collector" >/dev/null
check "calls after it is back" answers
check "it is said that traces arrive again" await 60 said 'traces reach their collector again'
equal "without a restart" 0 "$(restarts_of dremio-mcp)"
docker rm --force "$collector" >/dev/null
stop_all
rm .env
unset DREMIO_MCP_TARGET
