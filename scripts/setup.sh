#!/usr/bin/env bash
# Asks for Dremio's address, user and password, checks them against Dremio, makes an API key for the
# agents, and writes `.env` and `secrets/`. Run without flags it asks; with flags it asks for
# nothing that they answer.
#
# `setup.sh account add NAME` adds a further Dremio user, for whom token-refresher keeps a token of
# its own.
#
# Secrets are never shown and never stand on a command line. `secrets/` is closed to other users of
# this machine; the files in it are readable, because the containers that read them run as users of
# their own.
set -euo pipefail
umask 077
cd "$(dirname "$0")/.."
. scripts/env-file.sh

usage() {
  cat <<'USAGE'
usage: scripts/setup.sh [flags]
  --dremio-uri URL        Dremio's address, for example https://dremio.example:9047
  --username NAME         Dremio user; one of its own, so that its jobs can be told apart
  --password-file FILE    file with the password ("-" for standard input)
  --ca-bundle FILE        extra certificate authority (PEM) that signed Dremio's certificate
  --local-dremio          run Dremio Community Edition in a container, too; its first user is made of name and password
  --engine NAME           official (default) or native
  --publish ADDR:PORT     where agents connect on this machine [127.0.0.1:8000]
  --domain NAME           public name, for the TLS proxy (profile tls)
  --skip-check            do not try the credentials
  --force                 overwrite what exists without asking
  --non-interactive       never ask: what is missing is an error
  -h, --help

       scripts/setup.sh account add NAME [flags]      a further Dremio user; again, for another user name or password
       scripts/setup.sh account remove NAME           its token is logged out and removed, too
       scripts/setup.sh account list
  NAME is 1 to 64 characters from a-z, 0-9, _ and -. Flags as above: --username, --password-file, --dremio-uri (else that
  of .env), --skip-check, --force, --non-interactive. The services need no restart once they know the folder (ACCOUNTS_DIR
  in .env, which the first one brings).

A password of Dremio has at least 8 characters, one of them a letter and one a digit.
USAGE
}

die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
note() { printf '%s\n' "$*"; }

uri='' username='' password='' password_file='' ca_bundle='' publish=127.0.0.1:8000 domain='' engine=official
local_dremio=false check=true force=false interactive=true account_action='' account=''
[[ -t 0 ]] || interactive=false
if [[ ${1-} == account ]]; then
  case ${2-} in
    add | remove) (($# >= 3)) || { usage >&2; die "account $2 needs a name"; }; account=$3 ;;
    list) ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; die "account add, remove or list" ;;
  esac
  account_action=$2
  shift 2
  [[ -z $account ]] || shift
fi
while (($#)); do
  case $1 in
    --dremio-uri | --username | --password-file | --ca-bundle | --engine | --publish | --domain)
      (($# >= 2)) || die "$1 needs a value"
      case $1 in
        --dremio-uri) uri=$2 ;;
        --username) username=$2 ;;
        --password-file) password_file=$2 ;;
        --ca-bundle) ca_bundle=$2 ;;
        --engine) engine=$2 ;;
        --publish) publish=$2 ;;
        --domain) domain=$2 ;;
      esac
      shift 2
      ;;
    --local-dremio) local_dremio=true; shift ;;
    --skip-check) check=false; shift ;;
    --force) force=true; shift ;;
    --non-interactive) interactive=false; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; die "unknown flag $1" ;;
  esac
done

ask() { # PROMPT DEFAULT -> $REPLY
  $interactive || die "$1 is not given; see --help"
  read -r -p "$1${2:+ [$2]}: " REPLY
  REPLY=${REPLY:-$2}
}

may_write() { # FILE: whether it may be written
  [[ ! -s $1 ]] || $force || {
    $interactive || die "$1 exists; --force overwrites it"
    read -r -p "$1 exists. Overwrite it? [y/N]: " REPLY
    [[ $REPLY == [yY]* ]]
  }
}

# Whatever it was asked for, and however often: it goes into `.env`, between single quotes.
check_username() {
  [[ -n $username && $username != *[\"\':\\[:cntrl:]]* ]] ||
    die "a Dremio user name has no quotes, colons, backslashes or control characters"
}

read_password() {
  if [[ -n $password_file ]]; then
    [[ $password_file == - || -r $password_file ]] || die "cannot read $password_file"
    password=$(cat -- "${password_file/#-/\/dev\/stdin}"; printf x)
    # One line end is the editor's, everything else is the password's.
    password=${password%x} password=${password%$'\n'} password=${password%$'\r'}
  else
    $interactive || die "the password is not given: --password-file FILE, or - for standard input"
    read -r -s -p "Dremio password (not shown): " password
    echo
  fi
  [[ -n $password ]] || die "the password is empty"
  [[ $password != $'\xef\xbb\xbf'* ]] || die "the password file begins with a byte-order mark; save it without"
  [[ $password != *[[:cntrl:]]* ]] || die "the password has control characters; is it one line?"
}

json_string() { # TEXT -> a JSON string; control characters were refused before
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# The address to ask from here: the container's name for this machine is localhost for us.
from_here() { printf '%s' "${1/host.docker.internal/localhost}"; }

ca_flags=()
try_login() { # 0: good; 1: to be asked again; dies of what no other password mends
  local here answer status code=0
  here=$(from_here "$uri")
  note "Trying to log in at $here …"
  # The body goes through a pipe: command lines are visible to every user of a machine.
  answer=$(printf '{"userName":%s,"password":%s}' "$(json_string "$username")" "$(json_string "$password")" |
    curl --silent --show-error --max-time 20 "${ca_flags[@]}" --header 'Content-Type: application/json' \
      --data-binary @- --write-out '\n%{http_code}' "$here/apiv2/login" 2>&1) || code=$?
  status=${answer##*$'\n'}
  case $code in
    0) ;;
    6) die "the name in $here is not known here; is it spelt right?" ;;
    7) die "nobody answers at $here; is Dremio running, and is the port right?" ;;
    28) die "$here did not answer within 20 s; is a firewall in between?" ;;
    35 | 60) die "the TLS certificate of $here is not trusted here; name its authority with --ca-bundle FILE" ;;
    *) die "cannot ask $here (curl: exit code $code)" ;;
  esac
  case $status in
    200)
      local token
      token=$(sed -n 's/.*"token" *: *"\([^"]*\)".*/\1/p' <<<"$answer" | head -n 1)
      [[ -n $token ]] || die "$here answers, but not like Dremio's REST API; give Dremio's own address, such as http://dremio:9047"
      note "Dremio accepts them."
      # That was a test: the token goes back. Not worth a failure.
      printf 'header = "Authorization: _dremio%s"\n' "$token" |
        curl --silent --max-time 20 "${ca_flags[@]}" --config - --request DELETE --output /dev/null "$here/apiv2/login" || true
      ;;
    401) note "Dremio does not accept this user name and password." >&2; return 1 ;;
    403) die "this Dremio has no user yet: open $here in a browser and create the first one, or use --local-dremio" ;;
    *) die "$here answers a login with HTTP $status; is this Dremio's address?" ;;
  esac
}

keep_file() { # FILE: content from standard input, in place, because a running container holds this very file
  cat >"$1"
  chmod 644 "$1"
}

# --- account …: further Dremio users ----------------------------------------------------------------------------------
folder_is_mounted() { # whether token-refresher runs on this machine and has the folder
  local id from
  id=$(docker compose ps --quiet token-refresher 2>/dev/null) && [[ -n $id ]] || return 1
  from=$(docker inspect --format '{{range .Mounts}}{{if eq .Destination "/run/accounts"}}{{.Source}}{{end}}{{end}}' "$id")
  [[ -n $from && $from -ef $accounts ]]
}

name_accounts_dir() { # says what is still to do so that token-refresher sees the account
  if [[ -z $named_accounts ]]; then
    if [[ ! -f .env ]]; then
      note "There is no .env yet: scripts/setup.sh writes one that names the folder (ACCOUNTS_DIR)."
      return
    fi
    [[ -z $(tail -c 1 .env) ]] || echo >>.env
    echo "ACCOUNTS_DIR=$accounts" >>.env
    note "Added ACCOUNTS_DIR=$accounts to .env."
  fi
  if folder_is_mounted; then
    note "token-refresher logs in within a few seconds."
  else
    note "The services do not have the folder yet: scripts/deploy.sh --no-build, once for all accounts."
    note "In a Swarm: scripts/deploy.sh swarm --no-build, after each."
  fi
}

add_account() {
  local folder=$accounts/$account prepared=$accounts/.$account.new
  if [[ -e $folder ]] && ! $force; then
    $interactive || die "the account $account exists; --force gives it another user name and password"
    read -r -p "The account $account exists. Give it another user name and password? [y/N]: " REPLY
    [[ $REPLY == [yY]* ]] || exit 1
  fi
  uri=${uri:-${DREMIO_URI:-}}
  # The container of the profile `dremio`, as this machine reaches it.
  [[ $uri != http://dremio:9047 ]] || uri=http://localhost:9047
  uri=${uri%/}
  ca_bundle=${ca_bundle:-${DREMIO_CA_BUNDLE:-}}
  [[ -z $ca_bundle ]] || ca_flags=(--cacert "$ca_bundle")
  if [[ -z $username ]]; then
    ask "Dremio user" "$account"
    username=$REPLY
  fi
  check_username
  read_password
  if $check; then
    [[ -n $uri ]] || die "Dremio's address is not known: run scripts/setup.sh first, or use --dremio-uri URL or --skip-check"
    command -v curl >/dev/null || die "curl is needed to try the credentials; install it, or use --skip-check"
    try_login || exit 1
  fi
  # The containers' users are not this one; the folder around it is closed to others.
  if [[ -z $named_accounts ]]; then
    mkdir -p secrets
    chmod 700 secrets
  fi
  mkdir -p "$accounts"
  chmod 755 "$accounts"
  if [[ -d $folder ]]; then
    printf '%s\n' "$username" | keep_file "$folder/username"
    printf '%s\n' "$password" | keep_file "$folder/password"
  else
    # All at once: half an account would be one that cannot log in.
    rm -rf -- "$prepared"
    mkdir "$prepared"
    printf '%s\n' "$username" | keep_file "$prepared/username"
    printf '%s\n' "$password" | keep_file "$prepared/password"
    chmod 755 "$prepared"
    mv -- "$prepared" "$folder"
  fi
  note "Written: $folder/username, $folder/password."
  name_accounts_dir
}

if [[ -n $account_action ]]; then
  read_env_file ACCOUNTS_DIR DREMIO_URI DREMIO_CA_BUNDLE
  named_accounts=${ACCOUNTS_DIR:-}
  accounts=${named_accounts:-./secrets/accounts}
  if [[ $account_action == list ]]; then
    none=true
    for folder in "$accounts"/*/; do
      [[ -d $folder ]] || continue
      none=false
      printf '%-20s %s\n' "$(basename "$folder")" "$(head -n 1 "$folder/username" 2>/dev/null || echo '(no user name)')"
    done
    if $none; then note "There are no accounts in $accounts; scripts/setup.sh account add NAME makes one."; fi
    exit 0
  fi
  [[ $account =~ ^[a-z0-9_-]{1,64}$ ]] || die "the name of an account is 1 to 64 characters from a-z, 0-9, _ and -"
  if [[ $account_action == remove ]]; then
    [[ -d $accounts/$account ]] || die "there is no account $account in $accounts"
    rm -rf -- "${accounts:?}/$account"
    note "Removed. token-refresher logs its token out within a few seconds; in a Swarm, after scripts/deploy.sh swarm."
    exit 0
  fi
  add_account
  exit 0
fi

# --- what is wanted ---------------------------------------------------------------------------------------------------
[[ $engine == official || $engine == native ]] || die "--engine is official or native"
[[ $publish =~ ^([0-9.]+|\[[0-9a-fA-F:]+\]):[0-9]+$ ]] || die "--publish is ADDR:PORT, for example 127.0.0.1:8000"
[[ $domain =~ ^[A-Za-z0-9.-]*$ ]] || die "--domain is a host name"
if $local_dremio; then
  [[ -z $uri ]] || die "--local-dremio brings its own address; leave --dremio-uri out"
  uri=http://dremio:9047 check=false
fi
[[ -n $uri ]] || { ask "Dremio's address" http://localhost:9047; uri=$REPLY; }
uri=${uri%/}
[[ $uri =~ ^https?://[A-Za-z0-9._-]+(:[0-9]+)?$ || $uri =~ ^https?://\[[0-9a-fA-F:]+\](:[0-9]+)?$ ]] ||
  die "$uri is not an address like https://dremio.example:9047"
if [[ $uri =~ ^(https?://)(localhost|127\.[0-9.]+)(:.*)?$ ]]; then
  uri="${BASH_REMATCH[1]}host.docker.internal${BASH_REMATCH[3]}"
  note "Containers reach this machine as $uri. Dremio must listen on more than 127.0.0.1 for that."
fi
if [[ -n $ca_bundle ]]; then
  [[ -r $ca_bundle ]] || die "cannot read $ca_bundle"
  grep -q -- '-----BEGIN CERTIFICATE-----' "$ca_bundle" || die "$ca_bundle has no PEM certificate"
  ca_flags=(--cacert "$ca_bundle")
fi
[[ -n $username ]] || { ask "Dremio user" dremio; username=$REPLY; }
check_username
read_password
if $local_dremio; then
  [[ ${#password} -ge 8 && $password =~ [0-9] && $password =~ [A-Za-z] ]] ||
    die "Dremio wants a password of at least 8 characters with a letter and a digit"
fi
if $check; then
  command -v curl >/dev/null || die "curl is needed to try the credentials; install it, or use --skip-check"
  until try_login; do
    $interactive && [[ -z $password_file ]] || exit 1
    ask "Dremio user" "$username"
    username=$REPLY
    check_username
    read_password
  done
fi

# --- what is written --------------------------------------------------------------------------------------------------
mkdir -p secrets
chmod 700 secrets
# For further accounts, which then need no new start.
mkdir -p secrets/accounts
chmod 755 secrets/accounts
if may_write secrets/dremio_password; then
  printf '%s\n' "$password" | keep_file secrets/dremio_password
fi
if [[ -s secrets/mcp_api_keys ]]; then
  note "secrets/mcp_api_keys exists and stays: its keys go on working."
else
  od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' | sed 's/$/\n/' | keep_file secrets/mcp_api_keys
fi
if [[ -n $ca_bundle ]]; then
  # A copy that the containers may read, wherever the original lies.
  if [[ ! secrets/dremio-ca.pem -ef $ca_bundle ]] && may_write secrets/dremio-ca.pem; then
    keep_file secrets/dremio-ca.pem <"$ca_bundle"
  fi
fi
# Settings that are not asked for here: without MCP_POLICY_FILE, for example, every key could do
# everything.
other_settings() {
  [[ -f .env ]] || return 0
  local own='DREMIO_URI|DREMIO_USERNAME|DREMIO_PASSWORD|MCP_API_KEY|SECRETS_DIR|ACCOUNTS_DIR|MCP_PUBLISH|DREMIO_MCP_TARGET'
  own+='|DREMIO_CA_BUNDLE|MCP_DOMAIN|COMPOSE_PROFILES'
  grep -E '^[[:space:]]*(export[[:space:]]+)?[A-Za-z_][A-Za-z0-9_]*[[:space:]]*=' .env |
    grep -vE "^[[:space:]]*(export[[:space:]]+)?($own)[[:space:]]*=" || true
}
if may_write .env; then
  others=$(other_settings)
  {
    echo "# Written by scripts/setup.sh; .env.example explains every line. No secret is in here."
    echo "DREMIO_URI=$uri"
    echo "DREMIO_USERNAME='$username'"
    echo "SECRETS_DIR=./secrets"
    echo "ACCOUNTS_DIR=./secrets/accounts"
    echo "MCP_PUBLISH=$publish"
    echo "DREMIO_MCP_TARGET=$engine"
    [[ -z $ca_bundle ]] || echo "DREMIO_CA_BUNDLE=./secrets/dremio-ca.pem"
    [[ -z $domain ]] || echo "MCP_DOMAIN=$domain"
    profiles=()
    ! $local_dremio || profiles+=(dremio)
    [[ -z $domain ]] || profiles+=(tls)
    ((${#profiles[@]} == 0)) || (IFS=,; echo "COMPOSE_PROFILES=${profiles[*]}")
    [[ -z $others ]] || printf '\n# From before.\n%s\n' "$others"
  } >.env
fi

endpoint=http://${publish/#0.0.0.0:/localhost:}/mcp
[[ -z $domain ]] || endpoint=https://$domain/mcp
# Pasted lines must work from any folder.
keys=$PWD/secrets/mcp_api_keys
cat <<EOF

Written: .env, secrets/dremio_password, secrets/mcp_api_keys. Next:

  scripts/deploy.sh

which starts everything, and has the doctor look at it. At any time: docker compose run --rm --no-deps dremio-mcp doctor

Then set your agent up. The key goes where the agent runs:

EOF
# >>> clients: from the table of clients; `BLESS=1 cargo test -p tidy table_of_clients`
cat <<EOF
  The key:
    export DREMIO_MCP_KEY="\$(grep -m1 '^[^#]' '$keys')"
  Claude Code:
    claude mcp add --transport http --scope user dremio $endpoint --header 'Authorization: Bearer \${DREMIO_MCP_KEY}'
  Codex CLI:
    codex mcp add dremio --url $endpoint --bearer-token-env-var DREMIO_MCP_KEY
  Cursor:
    { "mcpServers": { "dremio": { "url": "$endpoint", "headers": { "Authorization": "Bearer \${env:DREMIO_MCP_KEY}" } } } } in ~/.cursor/mcp.json
  VS Code with Copilot:
    code --add-mcp '{"name":"dremio","type":"http","url":"$endpoint","headers":{"Authorization":"Bearer \${env:DREMIO_MCP_KEY}"}}'
EOF
# <<<
cat <<'EOF'

scripts/connect.sh lists 30 others, and `scripts/connect.sh CLIENT --write` does it for you. See docs/CLIENTS.md.
EOF
