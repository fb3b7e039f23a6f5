#!/bin/sh
# Makes the certificates of the TLS tests anew: an authority whose key is thrown away, and server
# certificates that share one key. They are valid from 2020 to 2120, so that a test machine's clock
# does not matter; `expired` ended in 2021. The key protects nothing.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/ca.conf" <<CONF
[ca]
default_ca = test
[test]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CONF
touch "$work/index"

make_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# make NAME START END EXTENSIONS SIGNING-OPTIONS…
make() {
    name=$1 start=$2 end=$3 extensions=$4 key=$5
    shift 5
    printf '%b\n' "$extensions" > "$work/extensions"
    openssl req -new -key "$key" -subj "/CN=$name" -out "$work/request"
    openssl ca -batch -notext -config "$work/ca.conf" -extfile "$work/extensions" \
        -startdate "$start" -enddate "$end" -in "$work/request" -out "$name.pem" "$@"
}

here='DNS:localhost,IP:127.0.0.1'
make_key "$work/authority.key"
make_key server.key
chmod 644 server.key
make authority 20200101000000Z 21200101000000Z 'basicConstraints=critical,CA:TRUE' "$work/authority.key" \
    -selfsign -keyfile "$work/authority.key"
by_authority="-cert authority.pem -keyfile $work/authority.key"
# shellcheck disable=SC2086 # the options are meant to be split
{
    make signed 20200101000000Z 21200101000000Z "basicConstraints=CA:FALSE\nsubjectAltName=$here" server.key $by_authority
    make expired 20200101000000Z 20210101000000Z "basicConstraints=CA:FALSE\nsubjectAltName=$here" server.key $by_authority
    make other-name 20200101000000Z 21200101000000Z "basicConstraints=CA:FALSE\nsubjectAltName=DNS:elsewhere.example" server.key $by_authority
}
# As `openssl req -x509` makes them: an authority that is also the server.
make self-signed 20200101000000Z 21200101000000Z "basicConstraints=critical,CA:TRUE\nsubjectAltName=$here" server.key \
    -selfsign -keyfile server.key
