# shellcheck shell=sh
# What the lints share; each reads it first.
# A lint prints what is wrong, as FILE:LINE: where it can, and how it should
# be. Each also runs by hand, from anywhere.

set -u
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 99
cd "$top" || exit 99

failures=0

bad() {
	echo "$*" >&2
	failures=$((failures + 1))
}

# Every line of the text is a finding.
bad_lines() {
	[ -n "$1" ] || return 0
	while IFS= read -r line; do
		bad "$line"
	done <<-END
		$1
	END
}

skip() {
	echo "SKIPPED: $*" >&2
	exit 77
}

finish() {
	[ "$failures" -eq 0 ] && exit 0
	echo "$(basename "$0"): $failures to mend" >&2
	exit 1
}

# Our C files: the server's, or with the tests' as well.
server_files() {
	find server storage modules -name '*.[ch]' | sort
}

c_files() {
	find server storage modules tests -name '*.[ch]' | sort
}
