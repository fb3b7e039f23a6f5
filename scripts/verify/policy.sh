# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# Two clients with different rights, from `key new` to `key list`: an edit as an editor makes it, a
# bad edit, a key that changes hands, and the status page while something is wrong.

export DREMIO_MCP_TARGET=native MCP_POLICY_FILE=/policy/policy.toml
admin=http://127.0.0.1:$((port + 1464))
gateway_run() { docker compose run --rm --no-deps -T dremio-mcp "$@"; }
new_client() { # NAME MORE…: its key into a file, its lines on the output
  gateway_run key new "$1" >"$work/new" 2>/dev/null
  grep -x 'dmk_[0-9a-f]*' "$work/new" >"$work/$1.key"
  printf '[[client]]\nname = "%s"\n%s\n' "$1" "$(grep '^keys = ' "$work/new")"
  shift
  printf '%s\n' "$@" ''
}
as() { # CLIENT SQL: the answer
  python3 scripts/verify/mcp.py query --url "$url" --key-file "$work/$1.key" --sql "$2"
}
edit() { # as editors do: another file in the place of the old one
  cat >policy/policy.toml.new
  mv policy/policy.toml.new policy/policy.toml
}
condition() { # its reason, or nothing
  curl -sS "$admin/readyz" | python3 -c 'import json, sys; print(json.load(sys.stdin)["conditions"]["policy"].get("reason", ""))'
}
condition_is() { [[ $(condition) == "$1" ]]; }

check "key new works before anything is set up" new_client analyst 'tools = ["*"]' 'schemas = ["Sales"]'
analyst=$(new_client analyst 'tools = ["*"]' 'schemas = ["Sales"]')
bot=$(new_client bot 'tools = ["RunSqlQuery", "GetQueryResult"]' 'schemas = ["Warehouse"]' 'budget = { queries = "600/m" }')
printf '%s\n\n%s\n' "$analyst" "$bot" | edit
check "check-config accepts it" gateway_run check-config
start_all
check "the analyst queries what its policy names" as analyst 'SELECT order_id FROM Sales.orders LIMIT 1'
refused "and nothing else" as analyst 'SELECT * FROM Warehouse.shop.customers LIMIT 1'
check "the bot queries what its policy names" as bot 'SELECT * FROM Warehouse.shop.customers LIMIT 1'
refused "and nothing else" as bot 'SELECT order_id FROM Sales.orders LIMIT 1'
refused "a key that the policy does not name gets 401" answers
chmod 600 "$work/analyst.key"
check "connect.sh --check with an agent's own key, in a file" scripts/connect.sh cursor --check --key-file "$work/analyst.key"
check "and in a variable" env AGENT_KEY="$(cat "$work/analyst.key")" scripts/connect.sh cursor --check --key-env AGENT_KEY
check "and in the usual variable" env DREMIO_MCP_KEY="$(cat "$work/analyst.key")" scripts/connect.sh cursor --check
refused "without one, it is the installation's key, which gets 401" scripts/connect.sh cursor --check
equal "key list shows both" "analyst bot" "$(docker compose exec -T dremio-mcp dremio-mcp key list | awk '{printf "%s%s", sep, $1; sep = " "}')"

before=$(restarts_of dremio-mcp)/$(started_at dremio-mcp)
printf '%s\n\n%s\n' "$analyst" "${bot/Warehouse/Sales}" | edit
check "an edit, with another file in the old one's place, counts within 5 s" await 5 as bot 'SELECT order_id FROM Sales.orders LIMIT 1'
printf '%s\n\n%s\n' "$analyst" "${bot/RunSqlQuery/RunAnything}" | edit
check "a bad edit is said in readiness" await 5 condition_is policy_rejected
check "and the policy before it stays in force" as bot 'SELECT order_id FROM Sales.orders LIMIT 1'
check "the status page names the line, and what helps" \
  sh -c "page=\$(curl -sS $admin/) && echo \"\$page\" | grep -q 'there is no tool' && echo \"\$page\" | grep -q 'Correct the policy file'"
refused "doctor finds it" docker compose exec -T dremio-mcp dremio-mcp doctor
figure "$(docker compose exec -T dremio-mcp dremio-mcp doctor | grep -A1 '✗ policy' | tr -s ' ' | tr '\n' ' ')"
printf '%s\n' "$analyst" | edit
gone() { ! as bot 'SELECT 1'; }
check "a client that is taken out is gone within 5 s" await 5 gone
check "readiness is content again" condition_is ''
equal "all of that without a restart" "$before" "$(restarts_of dremio-mcp)/$(started_at dremio-mcp)"

sed -n 's/^keys = \["\(sha256:[0-9a-f]*\)"\]$/\1/p' <<<"$analyst" >"$work/old.digest"
cp "$work/analyst.key" "$work/old.key"
gateway_run key new analyst >"$work/new" 2>/dev/null
grep -x 'dmk_[0-9a-f]*' "$work/new" >"$work/analyst.key"
keys=$(grep '^keys = ' "$work/new")
printf '%s\n' "$analyst" >"$work/analyst.toml"
sed "s/^keys = .*/$keys/" "$work/analyst.toml" | edit
check "a second key of the analyst" await 5 as analyst 'SELECT order_id FROM Sales.orders LIMIT 1'
check "beside the first one" as old 'SELECT order_id FROM Sales.orders LIMIT 1'
sed "s/^keys = .*/$keys/; s/\"$(<"$work/old.digest")\", //" "$work/analyst.toml" | edit
old_is_gone() { ! as old 'SELECT 1'; }
check "the first one, taken out" await 5 old_is_gone
check "the second one goes on" as analyst 'SELECT order_id FROM Sales.orders LIMIT 1'
rm -f policy/policy.toml
stop_all
unset DREMIO_MCP_TARGET MCP_POLICY_FILE
