# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# The command blocks of docs/ that are marked `# verified`, in their order.

for document in docs/DEPLOYMENT.md docs/TROUBLESHOOTING.md; do
  awk -v work="$work" '/^```sh$/ { getline; if ($0 == "# verified") { on = 1; n++; next } } /^```$/ { on = 0 } on { print > (work "/block." n) }' "$document"
  number=1
  while [[ -f $work/block.$number ]]; do
    # The port of this run, and the rest as it stands there.
    sed -i "s/127\.0\.0\.1:8000/127.0.0.1:$port/g; s/127\.0\.0\.1:9464/127.0.0.1:$((port + 1464))/g" "$work/block.$number"
    check "$document, verified block $number" bash -euo pipefail "$work/block.$number"
    rm "$work/block.$number"
    number=$((number + 1))
  done
done
stop_all
rm -f .env policy/policy.toml
