#!/usr/bin/env bash
# `dremio-mcp connect` for an installation in containers: how an MCP client is set up for it, with
# its address and key; `--help` has more.
#
# It runs in the gateway's image, as you, with your home folder at its own path; a check runs in the
# gateway's container, of Compose or of a Swarm. A key never stands on a command line.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/env-file.sh
. "$root/scripts/env-file.sh"

usage() {
  cat <<'USAGE'
usage: scripts/connect.sh                     the clients, one a line
       scripts/connect.sh CLIENT [flags]      what to do, by hand
  --write              does it, in your own file
  --check              asks the running gateway for its tools as CLIENT would
  --key-env NAME       the variable that holds the agent's key [DREMIO_MCP_KEY]
  --key-file FILE      the file that holds it [if there is no variable: that of the installation]
  --no-key             the gateway wants no key
  --url URL            the gateway's address, as the client sees it [from .env]
  --name NAME          under which the client lists it [dremio]
  --stack NAME         in a Swarm: the name of the stack [dremio-mcp]
  -h, --help

  scripts/connect.sh cursor --write
  scripts/connect.sh codex --check --key-file ~/analyst.key
USAGE
}

die() { printf 'connect: %s\n' "$*" >&2; exit 1; }

check=false write=false no_key=false url=false key_file='' key_env='' stack=dremio-mcp words=()
while (($#)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --key-file=* | --key-env=* | --stack=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
    --key-file | --key-env | --stack)
      [[ -n ${2-} ]] || die "$1 needs a value"
      case $1 in
        --key-file) key_file=$2 ;;
        --key-env) key_env=$2 words+=("$1" "$2") ;;
        --stack) stack=$2 ;;
      esac
      shift 2
      continue
      ;;
    --check) check=true ;;
    --write) write=true ;;
    --no-key) no_key=true ;;
    --url | --url=*) url=true ;;
  esac
  words+=("$1")
  shift
done
! $check || ! $write || die "--write first, then --check: the one needs your home folder, the other the running gateway"
[[ -z $key_file || -r $key_file ]] || die "cannot read $key_file"

command -v docker >/dev/null || die "docker is not installed"
compose=(docker compose --project-directory "$root")
image=$("${compose[@]}" config --images dremio-mcp | grep -E '(^|/)dremio-mcp:' | head -n 1)
docker image inspect "$image" >/dev/null 2>&1 ||
  die "there is no image $image yet: docker compose build dremio-mcp makes it, scripts/deploy.sh starts everything, too"

# The agent's own key goes first, then that of the installation.
variable=${key_env:-DREMIO_MCP_KEY} value=''
if [[ -z $key_file ]] && ! $no_key && [[ $variable =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]]; then
  value=$(printenv "$variable" || true)
fi

if $check; then
  service=${stack}_dremio-mcp
  gateway=$("${compose[@]}" ps --quiet dremio-mcp | head -n 1)
  [[ -n $gateway ]] || gateway=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service" | head -n 1)
  if [[ -z $gateway ]]; then
    ! docker service inspect "$service" >/dev/null 2>&1 ||
      die "no gateway runs on this node: docker service ps $service names the nodes that have one; run this there"
    die "the gateway is not running: scripts/deploy.sh starts it"
  fi
  connect=(docker exec --interactive "$gateway" dremio-mcp connect "${words[@]}")
  if [[ -n $key_file ]]; then
    value=$(cat -- "$key_file")
    printf '%s\n' "$value" | grep -q '^[[:space:]]*[^#[:space:]]' || die "$key_file holds no key; write one key a line"
  fi
  if [[ -n $value ]]; then
    # Its user may not read your file, and a container that runs gets no further mounts.
    printf '%s\n' "$value" | "${connect[@]}" --key-file /dev/stdin
    exit
  fi
  if [[ -z $key_env ]] && ! $no_key; then
    # The container has one of the two.
    if docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$gateway" | grep -q '^MCP_API_KEY=.'; then
      connect+=(--key-env MCP_API_KEY)
    else
      connect+=(--key-file /run/secrets/mcp_api_keys)
    fi
  fi
  exec "${connect[@]}" </dev/null
fi

read_env_file MCP_PUBLISH MCP_DOMAIN HTTPS_PORT HTTPS_PUBLISH SECRETS_DIR
secrets=${SECRETS_DIR:-secrets} flags=()
[[ $secrets == /* ]] || secrets=$root/$secrets
keys=$secrets/mcp_api_keys
[[ -n $key_file || -n $key_env || -n $value || ! -r $keys ]] || $no_key || key_file=$keys
mounts=(--volume "$HOME:$HOME")
if [[ -n $key_file ]]; then
  [[ -f $key_file ]] || die "$key_file is not a file"
  key_file=$(cd "$(dirname -- "$key_file")" && pwd)/$(basename -- "$key_file")
  mounts+=(--volume "$key_file:$key_file:ro")
  flags+=(--key-file "$key_file")
elif [[ -n $value ]]; then
  # By its name: the value is taken from the environment.
  mounts+=(--env "$variable")
fi
if ! $url; then
  publish=${MCP_PUBLISH:-127.0.0.1:8000}
  endpoint=http://${publish/#0.0.0.0:/localhost:}/mcp
  if [[ -n ${MCP_DOMAIN:-} ]]; then
    # The first is a Swarm's, the second that of Compose, perhaps with an address.
    port=${HTTPS_PORT:-${HTTPS_PUBLISH:-443}}
    port=:${port##*:}
    endpoint=https://$MCP_DOMAIN${port/%:443/}/mcp
  fi
  flags+=(--url "$endpoint")
fi
# Not by `docker compose run`, which makes networks and volumes; those of a stack have the same names.
exec docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
  --user "$(id -u):$(id -g)" "${mounts[@]}" --env HOME="$HOME" "$image" connect "${words[@]}" "${flags[@]}"
