# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# The profile `dremio`, with the stand-in, which has no user yet, in place of the big image.

cat >"$work/first-user.yml" <<'YAML'
services:
  dremio:
    image: dremio-sandbox:verify
    command: [--listen=0.0.0.0:9047, --no-users]
    ports: !reset []
YAML
export COMPOSE_FILE=docker-compose.yml:docker-compose.override.yml:$work/first-user.yml
before=$SECONDS
check "docker compose --profile dremio up --wait, Dremio without a user" docker compose --profile dremio up --detach --wait --wait-timeout 120
figure "after $((SECONDS - before)) s"
first_user() { docker compose --profile dremio ps --all --quiet dremio-first-user; }
equal "dremio-first-user ended with" 0 "$(docker inspect --format '{{.State.ExitCode}}' "$(first_user)")"
figure "$(docker logs "$(first_user)" 2>&1 | tail -n 1)"
check "calls are answered with the user's token" answers
check "once more, now that there is a user" docker compose --profile dremio run --rm dremio-first-user
stop_all
unset COMPOSE_FILE
