#!/usr/bin/env bash
# Shows on a real engine that the containers do what docs/ say of them. Needs Docker (Engine 25,
# Compose 2.24.4, Swarm for the last part), python3 and about 20 minutes; touches nothing of an
# installation that runs here.
#
#   scripts/verify-containers.sh [PART …]     start quickstart confinement rotation kills volume restarts first-user
#                                       tls docs setup policy audit traces swarm
#
# Works on a copy of this checkout in a temporary folder, as a fresh clone would be, under a project
# name, ports and image tags of its own. Prints PASS or FAIL for every claim, and figures; ends with
# 1 if one failed.
#
# DREMIO_MCP_UPSTREAM=DIR takes the official server from a local checkout, as everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
parts=("$@")
((${#parts[@]})) || parts=(start quickstart confinement rotation kills volume restarts first-user tls docs setup policy audit traces swarm)

for part in "${parts[@]}"; do
  [[ -r scripts/verify/$part.sh ]] || { echo "verify-containers: no part $part; there are $(cd scripts/verify && echo *.sh)" >&2; exit 64; }
done
# shellcheck source=scripts/verify/common.sh
. scripts/verify/common.sh

fresh_clone
trap clean_up EXIT
echo "engine $(docker version --format '{{.Server.Version}}'), compose $(docker compose version --short), $(nproc) CPUs, $(uname -m)"
build_images
for part in "${parts[@]}"; do
  printf '\n=== %s\n' "$part"
  # shellcheck source=/dev/null
  . "scripts/verify/$part.sh"
done

printf '\n%s passed, %s failed, %s not run\n' "$passed" "$failed" "$skipped"
((failed == 0))
