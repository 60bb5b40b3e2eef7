#!/bin/sh
# Makes ./configure from configure.ac; needed after a checkout, not with a
# release tarball.
set -eu
cd "$(dirname "$0")"

missing=
need() {
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need autoreconf autoconf
need automake automake
need pkg-config pkg-config
if [ -n "$missing" ]; then
	echo "autogen.sh: missing Debian packages:$missing" >&2
	echo "autogen.sh: try: apt-get install$missing" >&2
	exit 1
fi
mkdir -p build-aux
autoreconf --install --warnings=all
