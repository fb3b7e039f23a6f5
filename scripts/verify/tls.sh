# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# The profile `tls`: a certificate, streams that are not held back, the client's address.

if ! docker image inspect "${CADDY_IMAGE:-caddy:2}" >/dev/null 2>&1 && ! docker pull -q "${CADDY_IMAGE:-caddy:2}" >/dev/null 2>&1; then
  skip "no image ${CADDY_IMAGE:-caddy:2}"
else
  export MCP_DOMAIN=localhost HTTP_PUBLISH=127.0.0.1:18080 HTTPS_PUBLISH=127.0.0.1:18443
  check "docker compose --profile sandbox --profile tls up --wait" \
    docker compose --profile sandbox --profile tls up --detach --wait --wait-timeout 120
  caddy=$(docker compose --profile tls ps --quiet caddy)
  has_root() { docker cp "$caddy:/data/caddy/pki/authorities/local/root.crt" "$work/root.crt"; }
  check "Caddy made a certificate" await 30 has_root
  tls_url=https://localhost:18443/mcp
  tls_mcp() { python3 scripts/verify/mcp.py "$@" --url "$tls_url" --key-file "$key_file" --ca-file "$work/root.crt"; }
  check "a query over TLS, certificate checked" await 20 tls_mcp query
  check "and with a session" tls_mcp query --legacy
  equal "another Host than the public name is refused by the gateway" 403 "$(curl -s -o /dev/null -w '%{http_code}' \
    -H 'Host: evil.example' -X POST "http://127.0.0.1:$port/mcp")"
  # The stream that a session's GET opens says something at once; a proxy that buffers would keep
  # it.
  check "a stream's first bytes arrive while it is open" python3 scripts/verify/stream.py --url "$tls_url" --key-file "$key_file" --ca-file "$work/root.crt"
  equal "Caddy's log has the client's address and not the key" "1 0" \
    "$(docker logs "$caddy" 2>&1 | grep '"uri":"/mcp"' | grep -c -m1 '"remote_ip":"[0-9.]*"\|"client_ip"') $(docker logs "$caddy" 2>&1 | grep -cF "$(cat "$key_file")" || true)"
  refused "what is not /mcp is not there" curl -sf --cacert "$work/root.crt" https://localhost:18443/metrics
  equal "caddy: read-only root, one capability" "true [NET_BIND_SERVICE]" \
    "$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapAdd}}' "$caddy" | sed s/CAP_//)"
  check "caddy reaches the gateway" docker exec "$caddy" nc -z -w 2 dremio-mcp 8000
  refused "caddy does not reach token-refresher" docker exec "$caddy" nc -z -w 2 token-refresher 9465
  refused "nor Dremio" docker exec "$caddy" nc -z -w 2 dremio 9047
  unset MCP_DOMAIN HTTP_PUBLISH HTTPS_PUBLISH
  stop_all
fi
