/* check_dialback.c - keys and elements of server dialback. */

#include "xmpp/dialback.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static uint8_t secret[32];

static void
set_secret(const char *text)
{
	ck_assert_int_eq(EVP_Digest(text, strlen(text), secret, NULL,
				    EVP_sha256(), NULL),
			 1);
}

/* XEP-0185 section 3 and XEP-0220 examples 1 and 5. */
static const struct {
	const char *secret, *receiving, *originating, *id, *key;
} keys[] = {
	{ "s3cr3tf0rd14lb4ck", "xmpp.example.com", "example.org", "D60000229F",
	  "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643" },
	{ "s3cr3tf0rd14lb4ck", "montague.example", "capulet.example",
	  "D60000229F",
	  "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3" },
	{ "d14lb4ck43v3r", "capulet.example", "montague.example", "417GAF25",
	  "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d" },
};

START_TEST(makes_keys)
{
	char key[DIALBACK_KEY_SIZE];

	set_secret(keys[_i].secret);
	dialback_key(secret, keys[_i].receiving, keys[_i].originating,
		     keys[_i].id, key);
	ck_assert_str_eq(key, keys[_i].key);
}
END_TEST

START_TEST(knows_its_keys)
{
	char key[DIALBACK_KEY_SIZE + 1] = "";

	set_secret("x");
	dialback_key(secret, "a.example", "b.example", "1", key);
	ck_assert(dialback_key_is(secret, "a.example", "b.example", "1", key));
	ck_assert(!dialback_key_is(secret, "b.example", "a.example", "1", key));
	ck_assert(!dialback_key_is(secret, "a.example", "b.example", "2", key));
	ck_assert(!dialback_key_is(secret, "a.example", "b.example", "1", ""));
	key[0] ^= 1;
	ck_assert(!dialback_key_is(secret, "a.example", "b.example", "1", key));
	key[0] ^= 1;
	key[63] = '\0';
	ck_assert(!dialback_key_is(secret, "a.example", "b.example", "1", key));
	dialback_key(secret, "a.example", "b.example", "1", key);
	key[64] = 'a';
	ck_assert(!dialback_key_is(secret, "a.example", "b.example", "1", key));
	dialback_key(secret, "a.example", "b.example", "1", key);
	secret[31] ^= 1;
	ck_assert(!dialback_key_is(secret, "a.example", "b.example", "1", key));
}
END_TEST

/* ---- elements ---- */

/* NULL: not there */
struct element {
	const char *name, *from, *to, *id, *type, *text;
};

static struct xml *
make(struct arena *a, const struct element *e)
{
	struct xml *x = xml_new(a, e->name, NS_DIALBACK);

	xml_set(a, x, "from", e->from);
	xml_set(a, x, "to", e->to);
	xml_set(a, x, "id", e->id);
	xml_set(a, x, "type", e->type);
	if (e->text)
		xml_text(a, x, e->text);
	return x;
}

static const struct {
	struct element in;
	bool is_verify;
	enum dialback_type type;
	const char *id, *key;
} good[] = {
	{ { "result", "A.example", "b.example", NULL, NULL, "key" },
	  false,
	  DIALBACK_REQUEST,
	  NULL,
	  "key" },
	{ { "result", "a.example", "b.example", NULL, NULL, "\n\t key \r\n" },
	  false,
	  DIALBACK_REQUEST,
	  NULL,
	  "key" },
	{ { "result", "a.example", "b.example", NULL, "valid", NULL },
	  false,
	  DIALBACK_VALID,
	  NULL,
	  NULL },
	{ { "result", "a.example", "b.example", "1", "invalid", "key" },
	  false,
	  DIALBACK_INVALID,
	  NULL,
	  NULL },
	{ { "result", "a.example", "b.example", NULL, "error", NULL },
	  false,
	  DIALBACK_ERROR,
	  NULL,
	  NULL },
	{ { "verify", "a.example", "b.example", "1", NULL, "key" },
	  true,
	  DIALBACK_REQUEST,
	  "1",
	  "key" },
	{ { "verify", "a.example", "b.example", "1", "valid", NULL },
	  true,
	  DIALBACK_VALID,
	  "1",
	  NULL },
};

START_TEST(reads)
{
	struct arena *a = arena_new();
	struct dialback d;

	ck_assert_int_eq(dialback_read(a, make(a, &good[_i].in), &d), 0);
	ck_assert_int_eq(d.is_verify, good[_i].is_verify);
	ck_assert_int_eq(d.type, good[_i].type);
	ck_assert_str_eq(jid_str(d.from), "a.example");
	ck_assert_str_eq(jid_str(d.to), "b.example");
	ck_assert_pstr_eq(d.id, good[_i].id);
	ck_assert_pstr_eq(d.key, good[_i].key);
	ck_assert_int_eq(d.error, d.type == DIALBACK_ERROR
					  ? COND_UNDEFINED_CONDITION
					  : COND_NONE);
	arena_unref(&a);
}
END_TEST

static const struct element bad[] = {
	{ "what", "a.example", "b.example", NULL, NULL, "key" },
	{ "result", NULL, "b.example", NULL, NULL, "key" },
	{ "result", "a.example", NULL, NULL, NULL, "key" },
	{ "result", "", "b.example", NULL, NULL, "key" },
	{ "result", "x@a.example", "b.example", NULL, NULL, "key" },
	{ "result", "a.example", "b.example/x", NULL, NULL, "key" },
	{ "result", "a b", "b.example", NULL, NULL, "key" },
	{ "result", "a.example", "b.example", NULL, NULL, NULL },
	{ "result", "a.example", "b.example", NULL, NULL, " \n " },
	{ "result", "a.example", "b.example", NULL, "", "key" },
	{ "result", "a.example", "b.example", NULL, "Valid", NULL },
	{ "verify", "a.example", "b.example", NULL, NULL, "key" },
	{ "verify", "a.example", "b.example", NULL, "valid", NULL },
	{ "verify", "a.example", "b.example", "1", NULL, NULL },
};

START_TEST(refuses_malformed)
{
	struct arena *a = arena_new();
	struct dialback d;

	ck_assert_int_eq(dialback_read(a, make(a, &bad[_i]), &d), -1);
	arena_unref(&a);
}
END_TEST

START_TEST(limits_keys)
{
	char key[DIALBACK_KEY_MAX + 2];
	struct element e = {
		"result", "a.example", "b.example", NULL, NULL, key
	};
	struct arena *a = arena_new();
	struct dialback d;

	memset(key, 'x', sizeof(key));
	key[DIALBACK_KEY_MAX] = '\0';
	ck_assert_int_eq(dialback_read(a, make(a, &e), &d), 0);
	key[DIALBACK_KEY_MAX] = 'x';
	key[DIALBACK_KEY_MAX + 1] = '\0';
	ck_assert_int_eq(dialback_read(a, make(a, &e), &d), -1);
	arena_unref(&a);
}
END_TEST

START_TEST(is_in_its_namespace)
{
	struct arena *a = arena_new();
	struct xml *x = make(a, &good[0].in);
	struct dialback d;

	x->ns = NS_SERVER;
	ck_assert_int_eq(dialback_read(a, x, &d), -1);
	arena_unref(&a);
}
END_TEST

static const struct {
	const char *cond, *ns;
	enum stanza_cond want;
} conds[] = {
	{ "item-not-found", NS_STANZA_ERROR, COND_ITEM_NOT_FOUND },
	{ "not-authorized", NS_STANZA_ERROR, COND_NOT_AUTHORIZED },
	/* XEP-0220 has it, RFC 6120 does not. */
	{ "remote-connection-failed", NS_STANZA_ERROR,
	  COND_UNDEFINED_CONDITION },
	{ "item-not-found", NS_SERVER, COND_UNDEFINED_CONDITION },
};

START_TEST(reads_errors)
{
	static const struct element e = { "verify", "a.example", "b.example",
					  "1",	    "error",	 NULL };
	struct arena *a = arena_new();
	struct xml *x = make(a, &e);
	struct xml *error = xml_add(a, x, "error", NS_SERVER);
	struct dialback d;

	xml_set(a, error, "type", "cancel");
	xml_add_text(a, error, "text", NS_STANZA_ERROR, "for people");
	xml_add(a, error, conds[_i].cond, conds[_i].ns);
	ck_assert_int_eq(dialback_read(a, x, &d), 0);
	ck_assert_int_eq(d.type, DIALBACK_ERROR);
	ck_assert_int_eq(d.error, conds[_i].want);
	arena_unref(&a);
}
END_TEST

#define ADDRESSES "from='a.example' to='b.example'"

static const struct {
	struct dialback d;
	const char *error_text, *want;
} written[] = {
	{ { .type = DIALBACK_REQUEST, .key = "k<y" },
	  NULL,
	  "<db:result " ADDRESSES ">k&lt;y</db:result>" },
	{ { .type = DIALBACK_VALID },
	  NULL,
	  "<db:result " ADDRESSES " type='valid'/>" },
	{ { .type = DIALBACK_INVALID },
	  NULL,
	  "<db:result " ADDRESSES " type='invalid'/>" },
	{ { .type = DIALBACK_ERROR, .error = COND_FORBIDDEN },
	  NULL,
	  "<db:result " ADDRESSES " type='error'><error type='auth'>"
	  "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	  "</db:result>" },
	{ { .is_verify = true, .id = "'1", .key = "key" },
	  NULL,
	  "<db:verify " ADDRESSES " id='&apos;1'>key</db:verify>" },
	{ { .is_verify = true, .id = "1", .type = DIALBACK_VALID },
	  NULL,
	  "<db:verify " ADDRESSES " id='1' type='valid'/>" },
	{ { .is_verify = true,
	    .id = "1",
	    .type = DIALBACK_ERROR,
	    .error = COND_ITEM_NOT_FOUND },
	  "no such <domain>",
	  "<db:verify " ADDRESSES " id='1' type='error'><error type='cancel'>"
	  "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
	  "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>"
	  "no such &lt;domain&gt;</text></error></db:verify>" },
};

START_TEST(writes)
{
	struct dialback d = written[_i].d;
	struct buf b = { 0 };

	d.from = jid_parse("a.example");
	d.to = jid_parse("b.example");
	dialback_write(&b, &d, written[_i].error_text);
	ck_assert_str_eq(b.data, written[_i].want);
	buf_fini(&b);
	jid_unref(&d.from);
	jid_unref(&d.to);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("dialback");

	tcase_add_loop_test(tc, makes_keys, 0, N_ELEMENTS(keys));
	tcase_add_test(tc, knows_its_keys);
	tcase_add_loop_test(tc, reads, 0, N_ELEMENTS(good));
	tcase_add_loop_test(tc, refuses_malformed, 0, N_ELEMENTS(bad));
	tcase_add_test(tc, limits_keys);
	tcase_add_test(tc, is_in_its_namespace);
	tcase_add_loop_test(tc, reads_errors, 0, N_ELEMENTS(conds));
	tcase_add_loop_test(tc, writes, 0, N_ELEMENTS(written));
	return unit_run(tc);
}
