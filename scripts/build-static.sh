#!/bin/sh
# Builds one package of the workspace as a static binary. Runs inside the `build` stage of our
# Dockerfiles.
#
#   build-static.sh PACKAGE ROOT     leaves ROOT/usr/local/bin/PACKAGE
#
# CARGO_TARGET_DIR is a cache mount that all our images share and that outlives every checkout.
# Cargo decides by modification times what is stale, and times from a checkout lie: an older branch,
# or a second clone, brings files that are older than the cached result and differ from it. So the
# times come from content: a file keeps the time at which its present content was first seen, which
# the list `sources` in the cache remembers.
set -eu
package=$1 root=$2

sources=$CARGO_TARGET_DIR/sources
now=$(date +%s.%N)
find Cargo.toml Cargo.lock bench crates services local tidy -type f -exec sha256sum {} + |
  awk -v now="$now" -v known="$sources" '
    BEGIN { while ((getline line < known) > 0) { split(line, field, " "); since[field[1] " " field[2]] = field[3] } }
    { key = $1 " " $2; print key, (key in since ? since[key] : now) }' >"$sources.new"
mv "$sources.new" "$sources"
while read -r _ path since; do touch -d "@$since" "$path"; done <"$sources"

# The target is named so that the flags reach the binary and not the build scripts, which cannot be
# static. Relative relocations are packed: they are 0.7 MB of the gateway otherwise.
target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs' \
  cargo build --locked --profile dist --target "$target" --package "$package" --bin "$package"

binary=$CARGO_TARGET_DIR/$target/dist/$package
if ldd "$binary" 2>&1 | grep -q '=>'; then
  echo "$package is not static" >&2
  exit 1
fi
install -D -m 755 "$binary" "$root/usr/local/bin/$package"
