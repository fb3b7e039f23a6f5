# shellcheck shell=bash disable=SC2154,SC2034,SC2016  # common.sh sets and uses the names in lower case
# The quick start as README has it: cp .env.example .env, fill in address, user and password, docker
# compose up --build.

outside=$project-outside
docker rm --force "$outside" >/dev/null 2>&1 || true
address=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
mkdir -p "$work/quickstart"
chmod 755 "$work" "$work/quickstart"
# What shells, Compose and JSON would each make something of.
password='pa$$ "w" it'\''s \x ${HOME} #7'
printf '%s\n' "$password" >"$work/quickstart/dremio_password"
chmod 644 "$work/quickstart/dremio_password"
docker run --detach --name "$outside" --publish "$address:19047:9047" --volume "$work/quickstart/dremio_password:/password:ro" \
  dremio-sandbox:verify --listen=0.0.0.0:9047 --user='ada lovelace' --password-file=/password >/dev/null

fill_in() { # NAME VALUE: in `.env`, in single quotes, as .env.example says
  python3 - "$1" "$2" <<'PY'
import re, sys
name, value = sys.argv[1:]
text = open(".env").read()
line = name + "='" + value.replace("'", "\\'") + "'"
assert re.search(rf"(?m)^{name}=", text), name
open(".env", "w").write(re.sub(rf"(?m)^{name}=.*$", lambda _: line, text))
PY
}
ends_with() { # CLAIM PATTERN: `docker compose up --build` ends by itself, not well, and says so
  local output code=0
  output=$(timeout 900 docker compose up --build 2>&1) || code=$?
  if ((code == 0 || code == 124)); then
    fail "$1: exit code $code"
  elif grep -qE "$2" <<<"$output"; then
    pass "$1"
  else
    fail "$1: $output"
  fi
  figure "$(grep -E "$2" <<<"$output" | head -n 1)"
  stop_all
}

cp .env.example .env
fill_in DREMIO_URI http://host.docker.internal:19047
fill_in DREMIO_USERNAME 'ada lovelace'
ends_with "without a password" 'DREMIO_PASSWORD: is required; with Docker Compose scripts/setup\.sh asks for it'
fill_in DREMIO_PASSWORD "$password"
ends_with "without a key for the agents: one sentence makes one" 'MCP_API_KEY: agents need a key.* echo "MCP_API_KEY=\$\(openssl rand -hex 32\)" >>\.env'
echo "MCP_API_KEY=$(openssl rand -hex 32)" >>.env
key_file=$work/quickstart/mcp_api_keys
sed -n 's/^MCP_API_KEY=\([0-9a-f]\)/\1/p' .env >"$key_file"

docker compose up --build >"$work/quickstart/up.log" 2>&1 &
up=$!
check "docker compose up --build: calls are answered" await 300 answers
gateway=$(docker compose ps --quiet dremio-mcp) refresher=$(docker compose ps --quiet token-refresher)
environment_of() { docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$1"; }
equal "the password arrived unchanged, as environment of token-refresher" "DREMIO_PASSWORD=$password" "$(environment_of "$refresher" | grep '^DREMIO_PASSWORD=')"
equal "and not in the gateway's" 0 "$(docker inspect "$gateway" | grep -c 'DREMIO_PASSWORD\|lovelace' || true)"
equal "nor in a log" 0 "$(docker compose logs 2>&1 | grep -cF -e "$password" -e "$(cat "$key_file")" || true)"
kill -INT "$up"
ended=0
wait "$up" || ended=$?
# Compose says 130 where it was asked by a signal, as shells do.
if ((ended == 0 || ended == 130)); then pass "Ctrl-C ends it ($ended)"; else fail "Ctrl-C ends it: $ended"; fi
stop_all

fill_in SECRETS_DIR "$work/quickstart" 2>/dev/null || echo "SECRETS_DIR='$work/quickstart'" >>.env
chmod 644 "$key_file"
ends_with "the password as a value and as a file" 'DREMIO_PASSWORD: is set and so is DREMIO_PASSWORD_FILE; keep one'
fill_in DREMIO_PASSWORD ''
ends_with "the key as a value and as a file" 'MCP_API_KEYS_FILE: is set and so is MCP_API_KEY'
sed -i '/^MCP_API_KEY=/d' .env
check "both as files" docker compose up --detach --wait --wait-timeout 300
check "calls are answered" answers
stop_all
rm .env

# A stand-in of its own takes the password in `.env`, too.
cp .env.example .env
fill_in DREMIO_PASSWORD "$password"
check "docker compose --profile sandbox up --wait, with a password in .env" docker compose --profile sandbox up --detach --wait --wait-timeout 300
key_file=deploy/sandbox/mcp_api_keys
check "calls are answered" answers
docker rm --force "$outside" >/dev/null
stop_all
rm .env
