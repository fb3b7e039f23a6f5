# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# A Dremio outside of the project: down and up with the kept token; a wrong password; a password
# that is put right.

outside=$project-outside
docker rm --force "$outside" >/dev/null 2>&1 || true
address=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
mkdir -p "$work/outside"
chmod 755 "$work" "$work/outside"
printf 'outside-password-1\n' >"$work/outside/dremio_password"
cp "$key_file" "$work/outside/mcp_api_keys"
chmod 644 "$work"/outside/*
docker run --detach --name "$outside" --publish "$address:19047:9047" --volume "$work/outside/dremio_password:/password:ro" \
  dremio-sandbox:verify --listen=0.0.0.0:9047 --user=ada --password-file=/password >/dev/null

export DREMIO_URI=http://host.docker.internal:19047 DREMIO_USERNAME=ada SECRETS_DIR=$work/outside
check "up against a Dremio on this machine (host.docker.internal)" docker compose up --detach --wait --wait-timeout 120
token_id() { in_volume 'sha256sum /volume/token.json | cut -c1-8'; }
first=$(token_id)
docker compose down >/dev/null 2>&1
check "docker compose down, then up" docker compose up --detach --wait --wait-timeout 120
check "calls are answered" answers
equal "the kept token is used" "$first" "$(token_id)"
equal "and was not asked for again" "0 1" "$(events token-refresher login_succeeded) $(events token-refresher token_reused)"

docker compose stop --timeout 30 dremio-mcp >/dev/null 2>&1
equal "docker compose stop: exit code of dremio-mcp" 0 "$(docker inspect --format '{{.State.ExitCode}}' "$(container dremio-mcp)")"
docker compose stop --timeout 30 token-refresher >/dev/null 2>&1
equal "docker compose stop: exit code of token-refresher" 0 "$(docker inspect --format '{{.State.ExitCode}}' "$(container token-refresher)")"
docker compose down --volumes >/dev/null 2>&1

printf 'wrong-password-9\n' >"$work/outside/wrong"
cp "$work/outside/dremio_password" "$work/outside/right"
cat "$work/outside/wrong" >"$work/outside/refresher_password"
mkdir -p "$work/wrong"
cp "$work/outside/mcp_api_keys" "$work/wrong/"
cp "$work/outside/wrong" "$work/wrong/dremio_password"
chmod 755 "$work/wrong"
chmod 644 "$work"/wrong/*
export SECRETS_DIR=$work/wrong
before=$SECONDS
refused "up with a wrong password fails" docker compose up --detach --wait --wait-timeout 150
figure "after $((SECONDS - before)) s"
equal "docker compose ps shows it" 1 "$(docker compose ps --all token-refresher | grep -c '(unhealthy)')"
figure "docker compose ps: $(docker compose ps --all --format '{{.Service}} {{.Status}}' | tr '\n' ';')"
check "the health check says why" sh -c "docker inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}' $(container token-refresher) | grep -qi 'password\|credential\|user name\|rejected'"
figure "health check: $(docker inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}' "$(container token-refresher)" | grep . | tail -n 1)"
at_least "docker compose logs has login_failed" 1 "$(events token-refresher login_failed)"
figure "log: $(logs_of token-refresher | grep -m1 login_failed)"
equal "no token was written: there is only the gateway key" gateway.key "$(in_volume 'ls -A /volume')"
# Written in place, as scripts/setup.sh does: the container holds this very file.
cat "$work/outside/right" >"$work/wrong/dremio_password"
check "the password put right: healthy without a restart" await 60 is_healthy token-refresher
equal "restarts of token-refresher" 0 "$(restarts_of token-refresher)"
check "docker compose up again: everything is ready" docker compose up --detach --wait --wait-timeout 120
check "calls are answered" answers
docker rm --force "$outside" >/dev/null
unset DREMIO_URI DREMIO_USERNAME SECRETS_DIR
stop_all
