# shellcheck shell=bash disable=SC2154,SC2034  # common.sh sets and uses the names in lower case
# scripts/setup.sh and scripts/deploy.sh, as a person (or a machine) uses them.

outside=$project-outside
docker rm --force "$outside" >/dev/null 2>&1 || true
address=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
mkdir -p "$work/setup"
chmod 755 "$work" "$work/setup"
printf 'quote"back\\slash 7 €\n' >"$work/setup/password"
chmod 644 "$work/setup/password"
docker run --detach --name "$outside" --publish "$address:19047:9047" --publish 127.0.0.1:19047:9047 \
  --volume "$work/setup/password:/password:ro" \
  dremio-sandbox:verify --listen=0.0.0.0:9047 --user=ada --password-file=/password >/dev/null
await 20 curl -sf http://127.0.0.1:19047/apiv2/server_status || true

flags=(--non-interactive --dremio-uri http://localhost:19047 --username ada --publish "127.0.0.1:$port")
says() { # CLAIM PATTERN COMMAND…: the command fails and says so
  local claim=$1 pattern=$2 output
  shift 2
  if output=$("$@" 2>&1); then fail "$claim: it succeeded"; return; fi
  if grep -qE "$pattern" <<<"$output"; then pass "$claim"; else fail "$claim: $output"; fi
  figure "$(tail -n 1 <<<"$output")"
}
says "setup.sh: a wrong password" 'does not accept' scripts/setup.sh "${flags[@]}" --password-file deploy/sandbox/dremio_password
says "setup.sh: nobody there" 'nobody answers' scripts/setup.sh "${flags[@]}" --dremio-uri http://localhost:19 --password-file "$work/setup/password"
python3 -m http.server --bind 127.0.0.1 --directory "$work/setup" 19049 >/dev/null 2>&1 &
other_server=$!
await 10 curl -s -o /dev/null http://127.0.0.1:19049/ || true
says "setup.sh: a server that is not Dremio" 'is this Dremio' scripts/setup.sh "${flags[@]}" --dremio-uri http://localhost:19049 --password-file "$work/setup/password"
kill "$other_server"
equal "nothing was written" "" "$(ls -d .env secrets 2>/dev/null || true)"
output=$(scripts/setup.sh "${flags[@]}" --password-file "$work/setup/password" 2>&1 || echo failed)
equal "setup.sh: good credentials" 1 "$(grep -c '^Written: ' <<<"$output")"
equal "modes of .env, secrets/ and what is in it" "600 700 644 644" "$(stat -c %a .env secrets secrets/dremio_password secrets/mcp_api_keys | tr '\n' ' ' | sed 's/ $//')"
equal "no secret in its output or in .env" 0 "$( (cat .env; echo "$output") | grep -cF -e "$(cat "$work/setup/password")" -e "$(cat secrets/mcp_api_keys)" || true)"
check "the password arrived unchanged" cmp "$work/setup/password" secrets/dremio_password
equal "the API key has 64 hex digits" 1 "$(grep -cxE '[0-9a-f]{64}' secrets/mcp_api_keys)"
says "setup.sh: what exists is not overwritten unasked" 'exists' scripts/setup.sh "${flags[@]}" --password-file "$work/setup/password"
cp secrets/mcp_api_keys "$work/setup/first_keys"
check "setup.sh --force" scripts/setup.sh "${flags[@]}" --password-file "$work/setup/password" --force
check "the agents' key stays" cmp "$work/setup/first_keys" secrets/mcp_api_keys
# As a person: asked on a terminal, the password not shown.
transcript=$(python3 scripts/verify/terminal.py "$work/setup/password" scripts/setup.sh --force 2>&1)
equal "setup.sh on a terminal: the password is not shown" "1 0" \
  "$(grep -c 'Dremio accepts them' <<<"$transcript") $(grep -cF "$(cat "$work/setup/password")" <<<"$transcript" || true)"
transcript=$(python3 scripts/verify/terminal.py --again "a'; touch pwned; '" "$work/setup/password" scripts/setup.sh --force 2>&1 || true)
equal "setup.sh on a terminal: a user name asked a second time is checked, too" 1 "$(grep -c 'a Dremio user name has no quotes' <<<"$transcript")"
# What the scripts take from `.env`.
mkdir "$work/setup/scripts"
cp .env.example "$work/setup/"
cp scripts/env-file.sh "$work/setup/scripts/"
cat >"$work/setup/.env" <<'ENV'
DREMIO_USERNAME='it\'s $(touch pwned) `touch pwned` "x"'   # a comment
export MCP_DOMAIN=mcp.example.com # another
LOG_LEVEL="debug"
BASH_ENV=./pwned
ENV
# shellcheck source=scripts/env-file.sh disable=SC2119
taken=$(. "$work/setup/scripts/env-file.sh" && read_env_file &&
  printf '%s|' "$DREMIO_USERNAME" "$MCP_DOMAIN" "$LOG_LEVEL" "${BASH_ENV-}")
equal "the scripts read .env and run nothing in it" "it's \$(touch pwned) \`touch pwned\` \"x\"|mcp.example.com|debug||" "$taken"
equal "nothing in .env was run" "" "$(ls pwned "$work/setup/pwned" 2>/dev/null || true)"
check "setup.sh --force, once more" scripts/setup.sh "${flags[@]}" --password-file "$work/setup/password" --force

equal "setup.sh account list, without one" "There are no accounts" "$(scripts/setup.sh account list | cut -d' ' -f1-4)"
says "setup.sh account add: a wrong password" 'does not accept' scripts/setup.sh account add sales --non-interactive --username ada --password-file deploy/sandbox/dremio_password
check "setup.sh account add" scripts/setup.sh account add sales --non-interactive --username ada --password-file "$work/setup/password"
check "the account's password arrived unchanged" cmp "$work/setup/password" secrets/accounts/sales/password
says "setup.sh account add: what exists is not overwritten unasked" 'exists' scripts/setup.sh account add sales --non-interactive --username ada --password-file "$work/setup/password"
says "setup.sh account add: a name that is not allowed" '1 to 64 characters' scripts/setup.sh account add Sales --non-interactive
equal "setup.sh account list" "sales ada" "$(scripts/setup.sh account list | tr -s ' ')"

key_file=secrets/mcp_api_keys
before=$SECONDS
check "scripts/deploy.sh --no-build" scripts/deploy.sh --no-build
figure "took $((SECONDS - before)) s"
check "calls are answered, with the generated key" answers
account_event() { docker compose logs --no-log-prefix token-refresher | grep '"account":"sales"' | grep -q "\"$1\""; }
check "the account has a token" await 20 account_event token_written
check "setup.sh account remove" scripts/setup.sh account remove sales
check "its token is logged out, without a restart" await 20 account_event token_revoked
printf 'a-second-key-of-some-length\n' >"$work/setup/second_key"
cat "$work/setup/second_key" >>secrets/mcp_api_keys
second_key_works() { python3 scripts/verify/mcp.py query --url "$url" --key-file "$work/setup/second_key"; }
check "a key added to the file works without a restart" await 10 second_key_works
sed -n 1p secrets/mcp_api_keys >"$work/setup/first_keys"
cat "$work/setup/first_keys" >secrets/mcp_api_keys
second_key_refused() { ! second_key_works; }
check "a key taken out works no longer" await 10 second_key_refused
docker rm --force "$outside" >/dev/null
stop_all
says "scripts/deploy.sh, Dremio not there: shows why" 'cannot be reached|unreachable' scripts/deploy.sh --no-build --timeout 100
rm -rf .env secrets
key_file=deploy/sandbox/mcp_api_keys
says "without setup, but with a Dremio's address: nothing starts with the known key" 'MCP_API_KEY: agents need a key' \
  env DREMIO_URI=http://dremio.example:9047 docker compose up
stop_all
