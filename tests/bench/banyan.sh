#!/bin/bash
# Runs Banyan from a private directory, in the manner of xload's peers/*.sh
# and with the variables of peers/common.sh (NUSERS, KEY, CPUS, ...).
#
#   BANYAN   the program (banyan)
#   XLOAD    xload's directory, for peers/common.sh
#   HOST_OPTIONS  what stands in the section of the host
#   OPTIONS  more lines for banyan.conf, for instance 'io-threads = 1'
#
# Direct TLS is on PORT+1, components on PORT+2. Prints the process id of the
# server. A database that is there already keeps its accounts.
set -eu
# shellcheck source=/dev/null
. "$XLOAD/peers/common.sh"
BANYAN=${BANYAN:-banyan}

# The first account is made by Banyan, the others get copies of its keys: one
# salt for all, as in the other scripts. That changes nothing for the server,
# and spares the generator a key derivation for each log-in.
add_users() { # DIR FIRST LAST
	echo "user$2@$DOMAIN $PASSWORD" >"$1/batch"
	"$BANYAN" -c "$1/banyan.conf" user add --batch "$1/batch" >&2
	python3 - "$1/data/banyan.sqlite" "$DOMAIN" "$2" "$3" <<'PY'
import sqlite3
import sys

path, domain, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with sqlite3.connect(path, timeout=30) as db:
    columns = [row[1] for row in db.execute("PRAGMA table_info(accounts)")]
    columns.remove("local")
    rest = ", ".join(columns)
    db.executemany(
        f"INSERT INTO accounts (local, {rest}) SELECT ?, {rest} FROM accounts"
        " WHERE domain = ? AND local = ?",
        [(f"user{i}", domain, f"user{first}") for i in range(first + 1, last + 1)])
PY
}

configure() { # DIR PORT
	cat >"$1/banyan.conf" <<CFG
data-dir = "$1/data"
certificates-dir = "$1/certs"
c2s-listen = {"127.0.0.1:$2"}
c2s-tls-listen = {"127.0.0.1:$(($2 + 1))"}
component-listen = {"127.0.0.1:$(($2 + 2))"}
s2s = no
log-level = "error"
scram-iterations = 4096
${OPTIONS:-}
host "$DOMAIN" { ${HOST_OPTIONS:-} }
CFG
}

start() { # DIR PORT
	mkdir -p "$1/data" "$1/certs"
	chmod 700 "$1/data"
	make_cert "$1"
	cp "$1/both.pem" "$1/certs/$DOMAIN.pem"
	configure "$1" "$2"
	[ -f "$1/data/banyan.sqlite" ] || add_users "$1" 0 $((NUSERS - 1))
	# shellcheck disable=SC2086 # PIN is a command and its arguments
	setsid $PIN "$BANYAN" -c "$1/banyan.conf" serve \
		>"$1/out.log" 2>&1 </dev/null &
	echo $! >"$1/pids"
	wait_port "$2" "$(cat "$1/pids")" || {
		cat "$1/out.log" >&2
		exit 1
	}
	cat "$1/pids"
}

case ${1:-} in
start) [ $# = 3 ] || usage; start "$2" "$3" ;;
stop) [ $# = 2 ] || usage; stop_pids "$2" ;;
adduser) [ $# = 4 ] || usage; add_users "$2" "$3" "$4" ;;
*) usage ;;
esac
