#!/usr/bin/env bash
# `dremio-mcp connect` for an installation in containers: how an MCP client is set up for it, with
# its address and key.
#
#   scripts/connect.sh                    the clients, one a line
#   scripts/connect.sh cursor             what to do, by hand
#   scripts/connect.sh cursor --write     does it, in your own file
#   scripts/connect.sh cursor --check     asks the running gateway for its tools as Cursor would
#
# It runs in the gateway's image, as you, with your home folder at its own path; `docker compose
# build` makes the image.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/env-file.sh
. "$root/scripts/env-file.sh"
die() { printf 'connect: %s\n' "$*" >&2; exit 1; }
given() { # FLAG ARGUMENTS…: whether it is among them
  local flag=$1 word
  shift
  for word; do [[ $word != "$flag" && $word != "$flag="* ]] || return 0; done
  return 1
}

compose=(docker compose --project-directory "$root")
keys=$root/secrets/mcp_api_keys flags=()
if given --check "$@"; then
  ! given --write "$@" || die "--write first, then --check: the one needs your home folder, the other the running gateway"
  given --key-env "$@" || given --key-file "$@" || given --no-key "$@" || flags+=(--key-file /run/secrets/mcp_api_keys)
  exec "${compose[@]}" exec -T dremio-mcp dremio-mcp connect "$@" "${flags[@]}"
fi
mounts=(--volume "$HOME:$HOME")
if [[ -r $keys ]]; then
  mounts+=(--volume "$root/secrets:$root/secrets:ro")
  given --key-env "$@" || given --key-file "$@" || given --no-key "$@" || flags+=(--key-file "$keys")
fi
if ! given --url "$@"; then
  read_env_file MCP_PUBLISH MCP_DOMAIN
  publish=${MCP_PUBLISH:-127.0.0.1:8000}
  endpoint=http://${publish/#0.0.0.0:/localhost:}/mcp
  [[ -z ${MCP_DOMAIN:-} ]] || endpoint=https://$MCP_DOMAIN/mcp
  flags+=(--url "$endpoint")
fi
exec "${compose[@]}" run --rm --no-deps -T --user "$(id -u):$(id -g)" "${mounts[@]}" --env HOME="$HOME" \
  --env DREMIO_MCP_KEY dremio-mcp connect "$@" "${flags[@]}"
