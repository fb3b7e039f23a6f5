#!/usr/bin/env bash
# Installs the bridges that the gateway is compared with, pinned, into target/bench-peers. Nothing
# of it is committed or shipped.
#
#   bench/peers.sh
#
# Needs npm with Node.js 20 or newer, and python3 (3.10 or newer) with venv. What is missing is
# skipped with a word about it.
#   BENCH_PEERS   where to [target/bench-peers beside this folder]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly peers=${BENCH_PEERS:-$here/../target/bench-peers}
readonly npm_packages=(supergateway@4.0.0 mcp-proxy@6.7.19)
readonly python_package=mcp-proxy==0.13.0

mkdir -p "$peers"
if command -v npm >/dev/null; then
  npm install --prefix "$peers/npm" --no-save --no-audit --no-fund --loglevel=error "${npm_packages[@]}"
else
  echo 'peers: npm is not installed: no supergateway, no mcp-proxy (npm)' >&2
fi
if python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  python3 -m venv "$peers/python"
  "$peers/python/bin/python" -m pip install --quiet --disable-pip-version-check "$python_package"
else
  echo 'peers: python3 is missing, older than 3.10, or lacks venv: no mcp-proxy (PyPI)' >&2
fi

# What was installed, for the table.
{
  for name in supergateway mcp-proxy; do
    manifest=$peers/npm/node_modules/$name/package.json
    [[ -f $manifest ]] && printf '%s (npm) %s\n' "$name" "$(sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$manifest" | head -n 1)"
  done
  [[ -x $peers/python/bin/python ]] && "$peers/python/bin/python" -c \
    'from importlib.metadata import version; print("mcp-proxy (PyPI)", version("mcp-proxy"), "on MCP SDK", version("mcp"))'
} | tee "$peers/versions"
