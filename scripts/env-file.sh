# shellcheck shell=bash
# Sourced by the scripts beside it, which have a `die`: the settings in `.env`, as Compose reads
# them.

# Exports the settings of these names, or all that .env.example lists. Nothing in `.env` is run: a
# value may look like code. What the environment has already goes first.
read_env_file() { # [NAME…]
  local root line name value names wanted=' '
  root=$(dirname "${BASH_SOURCE[0]}")/..
  [[ -r $root/.env ]] || return 0
  names=${*:-$(sed -nE 's/^#?([A-Z][A-Z0-9_]*)=.*/\1/p' "$root/.env.example")}
  for name in $names; do
    [[ -n ${!name+set} ]] || wanted+="$name "
  done
  while IFS= read -r line || [[ -n $line ]]; do
    [[ ${line%$'\r'} =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$ ]] || continue
    name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
    [[ $wanted == *" $name "* ]] || continue
    if [[ $value == \'* ]]; then
      [[ $value =~ ^\'(([^\'\\]|\\.)*)\'[[:space:]]*(#.*)?$ ]] || die ".env: $name: the single quote is not closed"
      value=${BASH_REMATCH[1]//\\\'/\'}
    elif [[ $value =~ ^\"([^\"\\\$]*)\"[[:space:]]*(#.*)?$ ]]; then
      value=${BASH_REMATCH[1]}
    else
      [[ $value != *[\$\"]* ]] || die ".env: $name: put a value with \$ or \" into single quotes"
      value=${value%%[[:space:]]#*}
      value=${value%"${value##*[![:space:]]}"}
    fi
    export "$name=$value"
  done <"$root/.env"
}
