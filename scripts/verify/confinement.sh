# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# What a container may do, and what it can see.

start_all
password=$(cat deploy/sandbox/dremio_password)
gateway=$(container dremio-mcp) refresher=$(container token-refresher) sandbox=$(container dremio-sandbox)

status_of() { # SERVICE FIELD: of the service's own process (PID 1 is Docker's init), as the kernel has it
  docker run --rm --pid "container:$(container "$1")" --user 0 --entrypoint sh "$gateway_image" -c \
    'for p in /proc/[0-9]*; do read -r name <"$p/comm"; [ "$name" != "$1" ] || sed -n "s/^$2:[[:space:]]*//p" "$p/status"; done' - "$1" "$2"
}

for service in token-refresher dremio-mcp dremio-sandbox; do
  id=$(container "$service")
  case $service in
    token-refresher) uid=10001 ;;
    dremio-mcp) uid=10002 ;;
    dremio-sandbox) uid=10003 ;;
  esac
  equal "$service: uid" "$uid" "$(status_of "$service" Uid | cut -f1)"
  equal "$service: capabilities, bounding set" 0000000000000000 "$(status_of "$service" CapBnd)"
  equal "$service: no new privileges" 1 "$(status_of "$service" NoNewPrivs)"
  equal "$service: read-only root, limits on memory and processes" "true yes yes" \
    "$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{if .HostConfig.Memory}}yes{{end}} {{if .HostConfig.PidsLimit}}yes{{end}}' "$id")"
  equal "$service: log rotation" "10m 3" "$(docker inspect --format '{{index .HostConfig.LogConfig.Config "max-size"}} {{index .HostConfig.LogConfig.Config "max-file"}}' "$id")"
  equal "$service: no Docker socket, not privileged" "false 0" \
    "$(docker inspect --format '{{.HostConfig.Privileged}}' "$id") $(docker inspect --format '{{json .Mounts}}' "$id" | grep -c docker.sock || true)"
done

refused "dremio-mcp: a write to the root file system" docker exec "$gateway" touch /x
refused "dremio-mcp: a write to its programs" docker exec "$gateway" touch /opt/dremio-mcp-server/x
check "dremio-mcp: the token file is readable" docker exec "$gateway" test -r /tokens/token.json
refused "dremio-mcp: the token file is not writable" docker exec "$gateway" sh -c 'echo x >>/tokens/token.json'
refused "dremio-mcp: nor its folder, not even as root" docker exec --user 0 "$gateway" touch /tokens/x
equal "the token file: owner, group and mode" "10001:10000 640" "$(in_volume 'stat -c "%u:%g %a" /volume/token.json')"
equal "the gateway key: owner, group and mode" "10001:10000 640" "$(in_volume 'stat -c "%u:%g %a" /volume/gateway.key')"
equal "the token's folder" "10001:10000 2750" "$(in_volume 'stat -c "%u:%g %a" /volume')"
equal "dremio-mcp: /tmp is small and holds no programs" "size=16384k noexec" \
  "$(docker exec "$gateway" sh -c 'grep " /tmp " /proc/mounts' | grep -oE 'size=[0-9]+k|noexec' | sort -r | tr '\n' ' ' | sed 's/ $//')"
equal "dremio-mcp: no program with set-user-id" "" \
  "$(docker run --rm --user 0 --entrypoint sh "$gateway_image" -c 'find / -xdev -type f -perm /6000')"
equal "dremio-mcp: no compiler, git, pip or uv" "" \
  "$(docker run --rm --user 0 --entrypoint sh "$gateway_image" -c 'for p in gcc cc make git pip pip3 uv cargo; do command -v $p; done; python -c "import pip" 2>/dev/null && echo pip; ls -d /root/.cache /root/.cargo 2>/dev/null; true')"
equal "dremio-mcp: byte-code is compiled, tests of packages are left out" "yes 0" \
  "$(docker run --rm --entrypoint sh "$gateway_image" -c 'cd /opt/dremio-mcp-server/lib/python3.*/site-packages && test -e pandas/__pycache__/__init__.cpython-313.pyc && echo yes; find . -path "./*/tests" | wc -l' | tr '\n' ' ' | sed 's/ $//')"

for image in token-refresher:verify dremio-mcp:verify-native dremio-sandbox:verify; do
  docker image inspect "$image" >/dev/null 2>&1 || DREMIO_MCP_TARGET=native docker compose build dremio-mcp >/dev/null 2>&1
  for shell in /bin/sh /bin/bash /busybox/sh sh; do
    if docker run --rm --entrypoint "$shell" "$image" -c true >/dev/null 2>&1; then fail "$image has $shell"; fi
  done
  id=$(docker create "$image")
  equal "$image holds a binary, a CA bundle and no shell" "" \
    "$(docker export "$id" | tar -t | grep -vE '^(\.dockerenv|(dev|proc|sys)/.*|etc/(|hostname|hosts|mtab|resolv.conf|ssl/|ssl/certs/|ssl/certs/ca-certificates.crt)|tokens/|audit/|usr/|usr/local/|usr/local/bin/|usr/local/bin/(token-refresher|dremio-mcp|dremio-sandbox))$' || true)"
  docker rm "$id" >/dev/null
done

# The password: it is where it belongs, and nowhere else.
seen_in_gateway() {
  docker exec --user 0 "$gateway" sh -c '
    ls /run/secrets
    cat /run/secrets/* 2>/dev/null
    for process in /proc/[0-9]*; do
      tr "\0" "\n" <"$process/environ"
      tr "\0" "\n" <"$process/cmdline"
      cat "$process/mountinfo"
    done 2>/dev/null
    cat /tokens/* 2>/dev/null
    true'
}
# Root in the container lacks the capability to read another user's environment, so ask as that
# user, too.
environment_in_gateway() { docker exec "$gateway" sh -c 'for p in /proc/[0-9]*; do tr "\0" "\n" <"$p/environ"; done 2>/dev/null; true'; }
at_least "(the environments of dremio-mcp's processes can be read for this)" 2 "$(environment_in_gateway | grep -c '^PATH=')"
equal "the password is in no environment, command line, secret or mount of dremio-mcp" 0 \
  "$( (seen_in_gateway; environment_in_gateway) | grep -cF -e "$password" -e dremio_password || true)"
token=$(in_volume 'sed "s/.*\"token\":\"\([^\"]*\)\".*/\1/" /volume/token.json')
equal "the token is in no environment or command line of dremio-mcp" 0 "$(environment_in_gateway | grep -cF -e "$token" || true)"
equal "neither is in what docker inspect shows" 0 \
  "$(docker inspect "$gateway" "$refresher" "$sandbox" | grep -cF -e "$password" -e "$token" || true)"
equal "nor in a log" 0 "$(sandbox_compose logs 2>&1 | grep -cF -e "$password" -e "$token" -e "$(cat "$key_file")" || true)"
for image in "$gateway_image" token-refresher:verify dremio-sandbox:verify; do
  docker history --no-trunc "$image" >"$work/history"
  equal "no secret in docker history of $image" 0 "$(grep -cF -e "$password" -e "$(cat "$key_file")" "$work/history" || true)"
  found=$(docker save "$image" | python3 scripts/verify/layers.py dremio "$password" "$(cat "$key_file")")
  at_least "(the layers of $image can be searched: the word dremio found)" 1 "${found%% *}"
  equal "no secret in a layer of $image" "0 0" "${found#* }"
done
check "the labels name version, licence and title" sh -c \
  "docker image inspect --format '{{json .Config.Labels}}' $gateway_image | grep -q image.title.*image.version"
stop_all
