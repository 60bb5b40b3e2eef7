/* fuzz_jid.c - an address that was accepted is its own prepared form. */

#include "xmpp/jid.h"

#include "base/buf.h"
#include "fuzz.h"
#include "xmpp/idna.h"
#include "xmpp/precis.h"

#include <stdlib.h>
#include <string.h>

typedef int prepare_fn(const char *s, size_t len, struct buf *out);

static void
must(bool is_true)
{
	if (!is_true)
		abort();
}

static void
fuzz_prepare(const char *s, size_t len, prepare_fn *prepare)
{
	struct buf once = { 0 }, twice = { 0 };

	if (prepare(s, len, &once) == 0) {
		must(once.len > 0 && strlen(once.data) == once.len);
		must(prepare(once.data, once.len, &twice) == 0);
		must(strcmp(once.data, twice.data) == 0);
	} else {
		must(once.len == 0);
	}
	buf_fini(&twice);
	buf_fini(&once);
}

static void
check_ascii_domain(const char *domain)
{
	struct buf ascii = { 0 }, back = { 0 };

	if (domain[0] != '[' && idna_to_ascii(domain, &ascii) == 0) {
		must(ascii.len <= 253);
		must(jid_prep_domain(ascii.data, ascii.len, &back) == 0);
		must(strcmp(back.data, domain) == 0);
	}
	buf_fini(&back);
	buf_fini(&ascii);
}

static void
check_jid(struct jid *j)
{
	struct jid *again = jid_parse(jid_str(j));
	struct jid *made =
		jid_make(jid_local(j), jid_domain(j), jid_resource(j));
	struct jid *bare = jid_bare(j);

	must(jid_eq(j, again) && jid_eq(j, made) && jid_eq_bare(j, bare));
	must(jid_hash(j) == jid_hash(again));
	must(jid_hash_bare(j) == jid_hash(bare));
	must(strcmp(jid_str(bare), jid_bare_str(j)) == 0);
	must(strlen(jid_str(j)) == jid_len(j));
	must(strlen(jid_domain(j)) <= JID_PART_MAX);
	must(!jid_local(j) || !strpbrk(jid_local(j), "\"&'/:<>@ \t\n\x7f"));
	must(!strpbrk(jid_domain(j), "@/ \t\n"));
	check_ascii_domain(jid_domain(j));
	jid_unref(&bare);
	jid_unref(&made);
	jid_unref(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	struct jid *j = jid_parse_len(s, size);

	if (j)
		check_jid(j);
	jid_unref(&j);
	fuzz_prepare(s, size, precis_username);
	fuzz_prepare(s, size, precis_opaque);
	fuzz_prepare(s, size, jid_prep_local);
	fuzz_prepare(s, size, jid_prep_domain);
	fuzz_prepare(s, size, jid_prep_resource);
	return 0;
}
