#!/usr/bin/env bash
# Builds, starts and waits until everything is ready; if it does not become ready, shows why and
# ends with 1.
#
#   scripts/deploy.sh [compose]     this machine (docker compose)
#   scripts/deploy.sh swarm         a Swarm, from one of its managers (docker stack deploy)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env-file.sh

usage() {
  cat <<'USAGE'
usage: scripts/deploy.sh [compose|swarm] [flags]
  --profile NAME       compose: sandbox, dremio or tls; may be repeated (else COMPOSE_PROFILES)
  --no-build           use the images that are there
  --timeout SECONDS    how long to wait until ready [300]
  --stack NAME         swarm: name of the stack [dremio-mcp]
  --shared-tokens      swarm: gateways on several nodes (deploy/swarm-shared-tokens.yml)
  --rotate-secrets     swarm: make new secrets of secrets/, and switch to them
  -h, --help
Settings come from .env and the environment (see .env.example).
USAGE
}

die() { printf 'deploy: %s\n' "$*" >&2; exit 1; }
say() { printf '== %s\n' "$*"; }

mode=compose timeout=300 build=true stack=dremio-mcp rotate=false shared_tokens=false profiles=()
while (($#)); do
  case $1 in
    compose | swarm) mode=$1; shift ;;
    --profile | --timeout | --stack)
      (($# >= 2)) || die "$1 needs a value"
      case $1 in
        --profile) profiles+=(--profile "$2") ;;
        --timeout) timeout=$2 ;;
        --stack) stack=$2 ;;
      esac
      shift 2
      ;;
    --no-build) build=false; shift ;;
    --rotate-secrets) rotate=true; shift ;;
    --shared-tokens) shared_tokens=true; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; die "unknown argument $1" ;;
  esac
done
[[ $timeout =~ ^[0-9]+$ ]] || die "--timeout is a number of seconds"

command -v docker >/dev/null || die "docker is not installed"
engine=$(docker version --format '{{.Server.Version}}' 2>/dev/null) || die "the Docker engine does not answer; is it running, and may you use it?"
((${engine%%.*} >= 25)) || die "Docker Engine $engine is too old; 25 or newer is needed"
docker compose version >/dev/null 2>&1 || die "the Compose plugin is missing (docker compose)"

# Log lines of a service that are worth a look: our services write JSON, and `check-config` a line
# for each problem.
telling() { grep -E '"level":"(WARN|ERROR)"|^[^{]*(error|Error|panic|FATAL)|^[A-Z_]+: ' || true; }

# An older setup.sh did not name the folder of the secrets, because Compose found it by itself.
name_secrets_dir() {
  [[ -s secrets/dremio_password && -f .env && -z ${SECRETS_DIR:-} ]] || return 0
  grep -q '^# Written by scripts/setup.sh' .env && ! grep -qE '^(SECRETS_DIR|DREMIO_PASSWORD)=' .env || return 0
  echo 'SECRETS_DIR=./secrets' >>.env
  say "added SECRETS_DIR=./secrets to .env"
}

build_images() {
  $build || return 0
  say "building"
  if [[ -z ${REVISION:-} ]]; then
    REVISION=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
    export REVISION
  fi
  docker compose "${profiles[@]}" build ||
    die "the build failed, see above. If it could not fetch the official server from GitHub: DREMIO_MCP_TARGET=native in .env, or" \
      "DREMIO_MCP_UPSTREAM=DIR with a checkout of it; docs/TROUBLESHOOTING.md has more"
}

# --- one host ---------------------------------------------------------------------------------------------------------
# The next step, for what the engine says by itself: our services name theirs.
next_step() {
  case $1 in
    *"address already in use"* | *"port is already allocated"*)
      echo "Another program has that address. In .env: MCP_PUBLISH=127.0.0.1:8001 for agents, or ADMIN_PUBLISH=127.0.0.1:9474 for the status page" ;;
    *"exec format error"* | *"FATAL tini"*"failed: No such file or directory"*)
      echo "The image is for another kind of processor: docker compose build --no-cache token-refresher dremio-mcp" ;;
    *"no space left on device"*) echo "The disk is full: docker system prune" ;;
    *"does not match the specified platform"*)
      echo "The image is for another kind of processor: docker compose build --no-cache token-refresher dremio-mcp; or take out DOCKER_DEFAULT_PLATFORM" ;;
    *"No such image"*) echo "An image is missing: scripts/deploy.sh without --no-build makes it" ;;
  esac
}

why_compose() {
  docker compose "${profiles[@]}" ps --all
  local id name state told
  if [[ -z $(docker compose "${profiles[@]}" ps --all --quiet) ]]; then
    # No container could be made: the engine says why, once more.
    next_step "$(docker compose "${profiles[@]}" create --no-build 2>&1 || true)"
    return
  fi
  for id in $(docker compose "${profiles[@]}" ps --all --quiet); do
    name=$(docker inspect --format '{{slice .Name 1}}' "$id")
    state=$(docker inspect --format '{{.State.Status}}{{if .State.Health}} {{.State.Health.Status}}{{end}} {{.State.ExitCode}}' "$id")
    told=$(docker inspect --format '{{.State.Error}}' "$id")
    case $state in
      "running healthy"* | "exited 0" | "running 0") continue ;;
      # Without an error it waits for another one, which tells why.
      created*) [[ -n $told ]] || continue ;;
    esac
    # The health check says it in a sentence; the log does where there is none.
    [[ -n $told ]] ||
      told=$(docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}{{.Output}}{{end}}{{end}}' "$id" | grep . | sort -u | tail -n 3 || true)
    [[ -n $told ]] || told=$(docker logs --tail 200 "$id" 2>&1 | telling | tail -n 5)
    printf '\n-- %s: %s\n%s\n' "$name" "$state" "$told"
    next_step "$told"
  done
}

deploy_compose() {
  name_secrets_dir
  read_env_file SECRETS_DIR
  local folder=${SECRETS_DIR:-}
  [[ -z $folder || -f $folder/dremio_password && -f $folder/mcp_api_keys ]] ||
    die "SECRETS_DIR names $folder, which lacks dremio_password or mcp_api_keys: run scripts/setup.sh, or take SECRETS_DIR out of .env"
  build_images
  say "starting (at most $timeout s)"
  # What the images are of was built just now, or is there.
  if ! docker compose "${profiles[@]}" up --no-build --detach --wait --wait-timeout "$timeout"; then
    say "not ready:"
    why_compose
    die "not ready; docs/TROUBLESHOOTING.md goes from the symptom to the cause"
  fi
  docker compose "${profiles[@]}" ps
  say "ready; what the doctor says"
  docker compose "${profiles[@]}" exec -T dremio-mcp dremio-mcp doctor || say "the doctor has found something, see above"
}

# --- swarm ------------------------------------------------------------------------------------------------------------
make_secret() { # VARIABLE NAME FILE: the secret of that name exists, and VARIABLE says which one it is
  local name=${!1:-$2}
  if $rotate; then
    name=$2_$(date -u +%Y%m%d%H%M%S)
  fi
  if ! docker secret inspect "$name" >/dev/null 2>&1; then
    [[ -s $3 ]] || die "$3 is missing, and there is no secret $name; run scripts/setup.sh"
    # Without the editor's line end.
    printf '%s' "$(cat "$3")" | docker secret create "$name" - >/dev/null
    echo "made secret $name"
    if $rotate; then
      touch .env
      sed -i "/^$1=/d" .env
      echo "$1=$name" >>.env
    fi
  fi
  export "$1=$name"
}

# The accounts of ACCOUNTS_DIR become two secrets each, which the refresher finds where Compose
# mounts that folder. They are handed over by a stack file, since which there are is known only
# here.
account_secrets() { # FILE: written if there is an account
  local folder name part base secret lines='' names=''
  for folder in "${ACCOUNTS_DIR:-/nowhere}"/*/; do
    [[ -d $folder ]] || continue
    name=$(basename "$folder")
    # The name of a secret has at most 64 characters, and a rotated one its time.
    [[ $name =~ ^[a-z0-9_-]{1,32}$ ]] ||
      die "$folder: in a Swarm the name of an account is 1 to 32 characters from a-z, 0-9, _ and -"
    for part in username password; do
      base=account_${name}_$part
      secret=$(docker secret ls --format '{{.Name}}' | grep -xE "$base(_[0-9]{14})?" | LC_ALL=C sort | tail -n 1 || true)
      if [[ -z $secret ]] || $rotate; then
        [[ -s $folder$part ]] || die "$folder$part is missing; run scripts/setup.sh account add $name"
        secret=$base
        if $rotate; then secret+=$(date -u +_%Y%m%d%H%M%S); fi
        printf '%s' "$(cat "$folder$part")" | docker secret create "$secret" - >/dev/null
        echo "made secret $secret"
      fi
      # Closed to all but the refresher's user, as docker-compose.yml's image has it.
      lines+="      - {source: $base, target: /run/accounts/$name/$part, uid: '10001', gid: '10000', mode: 0400}"$'\n'
      names+="  $base: {external: true, name: $secret}"$'\n'
    done
  done
  [[ -n $lines ]] || return 0
  printf 'services:\n  token-refresher:\n    environment: {DREMIO_ACCOUNTS_DIR: /run/accounts}\n    secrets:\n%ssecrets:\n%s' \
    "$lines" "$names" >"$1"
}

service_states() { docker stack services "$stack" --format '{{.Name}} {{.Replicas}}'; }

# Every service has its replicas, and no update is under way or has gone wrong.
swarm_settled() {
  local name replicas state
  while read -r name replicas _; do
    [[ ${replicas%/*} == "${replicas#*/}" ]] || return 1
    state=$(docker service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' "$name")
    [[ $state == "" || $state == completed ]] || return 1
  done < <(service_states)
}

why_swarm() {
  docker stack ps "$stack" --no-trunc --format 'table {{.Name}}\t{{.Node}}\t{{.CurrentState}}\t{{.Error}}' | head -n 20
  local name
  while read -r name _; do
    printf '\n-- %s\n' "$name"
    docker service logs --raw --tail 200 "$name" 2>&1 | telling | tail -n 5
  done < <(service_states)
}

deploy_swarm() {
  [[ $(docker info --format '{{.Swarm.ControlAvailable}}') == true ]] || die "this is no Swarm manager: docker swarm init"
  read_env_file
  [[ -n ${DREMIO_URI:-} ]] || die "DREMIO_URI is not set; run scripts/setup.sh"
  [[ -n ${MCP_DOMAIN:-} ]] || die "MCP_DOMAIN is not set: the public name of this server (scripts/setup.sh --domain)"
  [[ -n $(docker node ls --quiet --filter node.label=dremio-mcp=true) ]] ||
    die "no node has the label that says where this runs: docker node update --label-add dremio-mcp=true NODE"
  make_secret DREMIO_PASSWORD_SECRET dremio_password "${SECRETS_DIR:-secrets}/dremio_password"
  make_secret MCP_API_KEYS_SECRET mcp_api_keys "${SECRETS_DIR:-secrets}/mcp_api_keys"
  accounts=$(mktemp)
  trap 'rm -f "$accounts"' EXIT
  account_secrets "$accounts"
  # A Swarm config never changes, so its name follows its content.
  named() { printf '%s-%s' "$1" "$(sha256sum "$2" | cut -c1-12)"; }
  CADDYFILE_CONFIG=$(named dremio-mcp-caddyfile deploy/Caddyfile)
  DREMIO_CA_CONFIG=$(named dremio-mcp-ca "${DREMIO_CA_BUNDLE:-deploy/no-extra-ca.pem}")
  DREMIO_CA_FILE=${DREMIO_CA_BUNDLE:+/etc/dremio-ca.pem}
  export CADDYFILE_CONFIG DREMIO_CA_CONFIG DREMIO_CA_FILE
  if [[ -n ${MCP_POLICY_FILE:-} ]]; then
    [[ $MCP_POLICY_FILE == /policy/policy.toml ]] || die "in a Swarm MCP_POLICY_FILE is /policy/policy.toml, which comes from policy/policy.toml"
    POLICY_SOURCE=${POLICY_SOURCE:-./policy/policy.toml}
    [[ -s $POLICY_SOURCE ]] || die "$POLICY_SOURCE is missing, and MCP_POLICY_FILE is set; docs/DEPLOYMENT.md has one to copy"
    POLICY_CONFIG=$(named dremio-mcp-policy "$POLICY_SOURCE")
    export POLICY_SOURCE POLICY_CONFIG
  fi
  # Two gateways cannot add to one file. The task's number and id are filled in by Swarm.
  if [[ -n ${AUDIT_FILE:-} && $AUDIT_FILE != *'{{'* ]]; then
    export AUDIT_FILE="${AUDIT_FILE%.jsonl}-{{.Task.Slot}}-{{.Task.ID}}.jsonl"
  fi

  build_images
  local files=(-c docker-compose.yml -c docker-compose.prod.yml) resolve=always file
  if $shared_tokens; then files+=(-c deploy/swarm-shared-tokens.yml); fi
  if [[ -s $accounts ]]; then files+=(-c "$accounts"); fi
  for file in ${STACK_FILES:-}; do files+=(-c "$file"); done
  if [[ -n ${IMAGE_PREFIX:-} ]]; then
    if $build; then
      say "pushing to ${IMAGE_PREFIX%/}"
      docker compose push --quiet token-refresher dremio-mcp
    fi
  else
    # No registry: the images are on this node only, and nobody can be asked for their digests.
    resolve=never
  fi
  say "deploying stack $stack"
  docker stack deploy "${files[@]}" --resolve-image "$resolve" --with-registry-auth --detach=true "$stack"

  say "waiting (at most $timeout s)"
  local deadline=$((SECONDS + timeout))
  # The first look would see the state from before the update.
  sleep 2
  until swarm_settled; do
    if ((SECONDS >= deadline)); then
      say "not ready:"
      why_swarm
      die "not ready; docs/TROUBLESHOOTING.md goes from the symptom to the cause"
    fi
    sleep 2
  done
  docker stack services "$stack"
  say "ready"
}

"deploy_$mode"
