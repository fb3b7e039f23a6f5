# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# The stack on one node: two gateways, a rolling update and a failed one under load, secrets, the
# token on shared storage.

stack=$project
caddy_image=${CADDY_IMAGE:-caddy:2}
swarm_made=false node='' labels=()

clean_up_swarm() {
  [[ -n ${node:-} ]] || return 0
  docker stack rm "$stack" >/dev/null 2>&1 || true
  # Volumes and secrets are free only when the last task is gone.
  for _ in $(seq 60); do
    [[ -n $(docker ps --all --quiet --filter "label=com.docker.stack.namespace=$stack") ]] || break
    sleep 1
  done
  docker volume ls --quiet --filter "label=com.docker.stack.namespace=$stack" | xargs -r docker volume rm >/dev/null 2>&1 || true
  docker secret ls --quiet --filter name=dremio_mcp_verify | xargs -r docker secret rm >/dev/null 2>&1 || true
  docker config ls --format '{{.Name}}' | grep -E '^dremio-mcp-(ca|caddyfile|policy)-' | xargs -r docker config rm >/dev/null 2>&1 || true
  local label
  for label in "${labels[@]}"; do docker node update --label-rm "$label" "$node" >/dev/null 2>&1 || true; done
  labels=()
  if $swarm_made; then docker swarm leave --force >/dev/null 2>&1 || true; fi
  node=''
}

replicas_of() { docker service ps --filter desired-state=running --format '{{.CurrentState}}' "${stack}_$1" | grep -c Running; }
tasks_of() { docker ps --quiet --filter "label=com.docker.swarm.service.name=${stack}_$1"; }
show_tasks() { docker service ps --format '{{.Name}} {{.DesiredState}} {{.CurrentState}} {{.Error}}' "${stack}_$1" | sed 's/^/      /'; }
label() {
  [[ $(docker node inspect --format "{{index .Spec.Labels \"$1\"}}" "$node") == true ]] || { docker node update --label-add "$1=true" "$node" >/dev/null && labels+=("$1"); }
}
swarm_load() { load_start --workers 8 --url "$tls_url" --ca-file "$work/root.crt" --key-file "$work/swarm/mcp_api_keys"; }
has_root() {
  local id
  id=$(tasks_of caddy | head -n 1)
  docker cp "$id:/data/caddy/pki/authorities/local/root.crt" "$work/root.crt"
}
tls_url=https://localhost:18443/mcp
tls_query() { python3 scripts/verify/mcp.py query --url "$tls_url" --key-file "$work/swarm/mcp_api_keys" --ca-file "$work/root.crt"; }

if ! docker image inspect "$caddy_image" >/dev/null 2>&1 && ! docker pull -q "$caddy_image" >/dev/null 2>&1; then
  skip "no image $caddy_image"
  return
fi
if [[ $(docker info --format '{{.Swarm.LocalNodeState}}') != active ]]; then
  docker swarm init --advertise-addr 127.0.0.1 >/dev/null
  swarm_made=true
fi
node=$(docker info --format '{{.Swarm.NodeID}}')
label dremio-mcp

mkdir -p "$work/swarm"
cp deploy/sandbox/dremio_password "$work/swarm/"
for _ in 1 2 3 4 5 6 7 8; do od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; echo; done >"$work/swarm/mcp_api_keys"
cat >"$work/swarm-sandbox.yml" <<'YAML'
services:
  dremio:
    image: dremio-sandbox:verify
    command: [--listen=0.0.0.0:9047, --user=dremio, --password-file=/run/secrets/dremio_password]
    networks: [backend]
    secrets: [dremio_password]
    deploy: {endpoint_mode: dnsrr}
YAML
export SECRETS_DIR=$work/swarm DREMIO_URI=http://dremio:9047 MCP_DOMAIN=localhost HTTP_PORT=18080 HTTPS_PORT=18443
export DREMIO_PASSWORD_SECRET=dremio_mcp_verify_password MCP_API_KEYS_SECRET=dremio_mcp_verify_keys STACK_FILES=$work/swarm-sandbox.yml

before=$SECONDS
check "scripts/deploy.sh swarm" scripts/deploy.sh swarm --no-build --stack "$stack" --timeout 180
figure "ready after $((SECONDS - before)) s"
docker stack services --format '      {{.Name}} {{.Mode}} {{.Replicas}} {{.Ports}}' "$stack"
equal "replicas of the gateway" 2 "$(replicas_of dremio-mcp)"
check "Caddy made a certificate" await 30 has_root
check "a query through the proxy" await 30 tls_query
check "connect.sh --check, with the key of the installation" scripts/connect.sh cursor --check --stack "$stack"
tail -n 1 "$work/swarm/mcp_api_keys" >"$work/swarm/own.key"
check "and with an agent's own, in a file" scripts/connect.sh cursor --check --stack "$stack" --key-file "$work/swarm/own.key"
shown=$(scripts/connect.sh cursor)
check "connect.sh shows what to do, with the proxy's port" grep -qF "https://localhost:$HTTPS_PORT/mcp" <<<"$shown"
refused "a stack that is not there" scripts/connect.sh cursor --check --stack nobody
id=$(tasks_of dremio-mcp | head -n 1)
equal "secrets of the gateway's container" "mcp_api_keys" "$(docker exec "$id" ls /run/secrets | tr '\n' ' ' | sed 's/ $//')"
equal "the gateway's container: read-only root, capabilities, user" "true 0000000000000000 10002" \
  "$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}}' "$id") $(docker exec "$id" sed -n 's/^CapBnd:\t//p' /proc/self/status) $(docker exec "$id" id -u)"
figure "no-new-privileges in Swarm is the engine's setting; here: $(docker exec "$id" sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)"
equal "published ports: the proxy's" "18080 18443" \
  "$(docker stack services --format '{{.Name}}' "$stack" | xargs -n 1 docker service inspect --format '{{range .Spec.EndpointSpec.Ports}}{{.PublishedPort}} {{end}}' | tr -d '\n' | sed 's/ $//')"

swarm_load
sleep 8
load_stop
figure "$(cat "$work/load.json")"
no_failed_call "two gateways under load"
answering=0
for id in $(tasks_of dremio-mcp); do
  count=$(docker logs "$id" 2>&1 | grep -c '"event":"tool_called"' || true)
  figure "replica ${id:0:12} answered $count calls"
  if ((count > 0)); then answering=$((answering + 1)); fi
done
equal "replicas that answered" 2 "$answering"

swarm_load
sleep 3
before=$SECONDS
check "rolling update of the gateway under load" docker service update --quiet --force "${stack}_dremio-mcp"
figure "took $((SECONDS - before)) s"
sleep 3
load_stop
figure "$(cat "$work/load.json")"
no_failed_call "rolling update"
show_tasks dremio-mcp

swarm_load
sleep 2
before=$SECONDS
docker service update --quiet --env-add MCP_CALL_TIMEOUT=nonsense "${stack}_dremio-mcp" >"$work/update.log" 2>&1 || true
rolled_back() { [[ $(docker service inspect --format '{{.UpdateStatus.State}}' "${stack}_dremio-mcp") == rollback_completed ]]; }
check "an update that cannot start is rolled back" await 120 rolled_back
figure "took $((SECONDS - before)) s"
load_stop
figure "$(cat "$work/load.json")"
no_failed_call "an update that cannot start"
equal "replicas of the gateway" 2 "$(replicas_of dremio-mcp)"

swarm_load
sleep 2
docker kill "$(tasks_of dremio-mcp | head -n 1)" >/dev/null
two_again() { [[ $(replicas_of dremio-mcp) == 2 ]]; }
sleep 2
check "a killed replica is replaced" await 60 two_again
sleep 2
load_stop
figure "$(cat "$work/load.json")"

# A config never changes, so each version of the policy is one of its own; and each task has its
# audit file.
policies() { docker config ls --format '{{.Name}}' | grep -cE '^dremio-mcp-policy-[0-9a-f]{12}$' || true; }
audit_files() {
  local id
  for id in $(tasks_of dremio-mcp); do docker exec "$id" dremio-mcp audit verify | sed -nE 's|^(/audit/[^:]*): lines.*|\1|p'; done | sort -u | wc -l
}
export MCP_POLICY_FILE=/policy/policy.toml AUDIT_FILE=/audit/audit.jsonl
printf '[[client]]\nname = "default"\ntools = ["*"]\nschemas = ["*"]\n' >policy/policy.toml
check "scripts/deploy.sh swarm with a policy and an audit file" scripts/deploy.sh swarm --no-build --stack "$stack" --timeout 240
check "a query after it" await 30 tls_query
equal "audit files of two gateways" 2 "$(audit_files)"
echo 'budget = { queries = "999/m" }' >>policy/policy.toml
check "scripts/deploy.sh swarm with another policy" scripts/deploy.sh swarm --no-build --stack "$stack" --timeout 240
equal "configs of the policy" 2 "$(policies)"
equal "both gateways have the new one" "999/m 999/m" \
  "$(for id in $(tasks_of dremio-mcp); do docker exec "$id" dremio-mcp key list | grep -o '999/m'; done | tr '\n' ' ' | sed 's/ $//')"
unset MCP_POLICY_FILE AUDIT_FILE
rm -f policy/policy.toml

before=$SECONDS
check "scripts/deploy.sh swarm --rotate-secrets" scripts/deploy.sh swarm --no-build --stack "$stack" --timeout 240 --rotate-secrets
figure "took $((SECONDS - before)) s"
check "a query after it" await 30 tls_query
figure "secrets: $(docker secret ls --format '{{.Name}}' | grep -E '^(dremio_|mcp_api)' | tr '\n' ' ')"
docker stack rm "$stack" >/dev/null
stack_gone() { [[ -z $(docker ps --all --quiet --filter "label=com.docker.stack.namespace=$stack") && -z $(docker network ls --quiet --filter "label=com.docker.stack.namespace=$stack") ]]; }
await 90 stack_gone || true
docker secret ls --format '{{.Name}}' | grep -E '^(dremio_password|mcp_api_keys)_[0-9]{14}$' | xargs -r docker secret rm >/dev/null 2>&1 || true
rm -f .env
docker volume ls --quiet --filter "label=com.docker.stack.namespace=$stack" | xargs -r docker volume rm >/dev/null 2>&1 || true

# Shared storage: here a folder of this machine in place of NFS.
docker run --rm --user 0 --entrypoint sh --volume "$work/swarm:/shared" "$gateway_image" -c 'mkdir /shared/tokens && chown 10001:10000 /shared/tokens && chmod 2750 /shared/tokens'
label dremio-mcp-proxy
export TOKENS_TYPE=none TOKENS_OPTIONS=bind TOKENS_DEVICE=$work/swarm/tokens
check "scripts/deploy.sh swarm --shared-tokens" scripts/deploy.sh swarm --no-build --stack "$stack" --timeout 180 --shared-tokens
check "Caddy made a certificate" await 30 has_root
check "a query, the token on the shared storage" await 30 tls_query
equal "the shared folder holds the token" "token.json" "$(docker run --rm --user 0 --entrypoint ls --volume "$work/swarm/tokens:/shared" "$gateway_image" -A /shared)"
clean_up_swarm
docker run --rm --user 0 --entrypoint rm --volume "$work/swarm:/shared" "$gateway_image" -rf /shared/tokens
unset SECRETS_DIR DREMIO_URI MCP_DOMAIN HTTP_PORT HTTPS_PORT DREMIO_PASSWORD_SECRET MCP_API_KEYS_SECRET STACK_FILES TOKENS_TYPE TOKENS_OPTIONS TOKENS_DEVICE
