/* check_sasl.c - SASL mechanisms, step by step. */

#include "xmpp/sasl.h"

#include "base/base64.h"
#include "scram_client.h"
#include "unit.h"

#include <stdlib.h>

static const uint8_t exporter[32] = { 1, 2, 3 };
static const uint8_t end_point[48] = { 4, 5, 0, 6 };
static const uint8_t unique[12] = { 7 };

static const struct scram_mix mix = { .of = { { 64, 1 } }, .n = 1 };

static const struct sasl_env base = {
	.host = "example.org",
	.has_tls = true,
	.allows_plain = true,
	.hashes = 7,
	.bindings = { { exporter, sizeof(exporter), false },
		      { end_point, sizeof(end_point), false },
		      { NULL, 0, false } },
	.secret = (const uint8_t *)"0123456789abcdef",
	.secret_len = 16,
	.mix = &mix,
};

static struct sasl *
start(const struct sasl_env *env, const char *mech)
{
	struct sasl_offer offer;
	enum sasl_cond cond = SASL_NONE;
	struct sasl *s;

	sasl_offer(env, &offer);
	s = sasl_new(env, &offer, mech, &cond);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(sasl_mech(s), mech);
	return s;
}

static enum sasl_step
step(struct sasl *s, const char *data)
{
	return sasl_step(s, data, strlen(data));
}

static void
ck_failed(struct sasl *s, enum sasl_step got, enum sasl_cond cond)
{
	ck_assert_int_eq(got, SASL_FAILURE);
	ck_assert_str_eq(sasl_cond_name(sasl_cond(s)), sasl_cond_name(cond));
	ck_assert_str_ne(sasl_text(s), "");
	sasl_free(s);
}

/* What it has to say, decoded; until the next call. */
static const char *
reply(const struct sasl *s)
{
	static char decoded[1024];
	struct buf text = { 0 }, data = { 0 };

	sasl_reply_text(s, &text);
	if (text.len)
		ck_assert_int_eq(base64_decode(&data, text.data, text.len), 0);
	ck_assert_uint_lt(data.len, sizeof(decoded));
	memcpy(decoded, data.len ? data.data : "", data.len);
	decoded[data.len] = 0;
	buf_fini(&text);
	buf_fini(&data);
	return decoded;
}

/* Plays SCRAM against an account alice with password "secret" for this hash. */
static enum sasl_step
play(struct sasl *s, const char *first, const char *password,
     const struct sasl_binding *cb)
{
	struct buf final = { 0 }, success = { 0 };
	struct scram_keys keys;
	enum sasl_step got;

	ck_assert_int_eq(step(s, first), SASL_NEED_KEYS);
	scram_keys_new(sasl_hash(s), "secret", 6, 100, &keys);
	got = sasl_keys(s, !strcmp(sasl_username(s), "alice") ? &keys : NULL);
	ck_assert_int_eq(got, SASL_CONTINUE);
	scram_answer(sasl_hash(s), password, first, reply(s),
		     cb ? cb->data : NULL, cb ? cb->len : 0, &final, &success);
	got = step(s, final.data);
	if (got == SASL_SUCCESS)
		ck_assert_str_eq(reply(s), success.data);
	else
		ck_assert_str_eq(reply(s), "");
	buf_fini(&final);
	buf_fini(&success);
	return got;
}

/* --- Offers */

#define PLUS   "SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS "
#define SCRAMS "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 "

static const struct {
	bool has_tls, allows_plain;
	unsigned hashes, bindings; /* bits */
	const char *identities, *mechs, *binding_types;
} offers[] = {
	{ true, true, 7, 3, NULL, PLUS SCRAMS "PLAIN ",
	  "tls-exporter tls-server-end-point " },
	{ true, false, 7, 6, NULL, PLUS SCRAMS,
	  "tls-server-end-point tls-unique " },
	{ true, true, 7, 0, NULL, SCRAMS "PLAIN ", "" },
	/* PLAIN and EXTERNAL need TLS. */
	{ false, true, 7, 0, "a@example.org\0", SCRAMS, "" },
	{ true, true, 1 << SCRAM_SHA256, 1, NULL,
	  "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN ", "tls-exporter " },
	/* XEP-0440: no types without a mechanism for them. */
	{ true, true, 0, 7, NULL, "PLAIN ", "" },
	{ true, false, 0, 7, "a@example.org\0", "EXTERNAL ", "" },
	{ true, true, 7, 3, "b@other.org\0a@example.org\0",
	  "EXTERNAL " PLUS SCRAMS "PLAIN ",
	  "tls-exporter tls-server-end-point " },
	/* Certificates that name no account of this host. */
	{ true, true, 1, 0, "", "SCRAM-SHA-1 PLAIN ", "" },
	{ true, true, 1, 0, "a@other.org\0", "SCRAM-SHA-1 PLAIN ", "" },
	{ true, true, 1, 0, "example.org\0", "SCRAM-SHA-1 PLAIN ", "" },
	{ true, true, 1, 0, "a@example.org/r\0", "SCRAM-SHA-1 PLAIN ", "" },
};

START_TEST(offer)
{
	static const struct sasl_binding all[SASL_BINDINGS] = {
		{ exporter, sizeof(exporter), false },
		{ end_point, sizeof(end_point), false },
		{ unique, sizeof(unique), false },
	};
	struct sasl_env env = { .host = "example.org",
				.has_tls = offers[_i].has_tls,
				.allows_plain = offers[_i].allows_plain,
				.hashes = offers[_i].hashes,
				.identities = offers[_i].identities };
	struct buf mechs = { 0 }, types = { 0 };
	struct sasl_offer got;

	for (unsigned i = 0; i < SASL_BINDINGS; i++) {
		if (offers[_i].bindings & 1u << i)
			env.bindings[i] = all[i];
	}
	sasl_offer(&env, &got);
	buf_adds(&mechs, "");
	buf_adds(&types, "");
	for (int i = 0; got.mechs[i]; i++)
		buf_printf(&mechs, "%s ", got.mechs[i]);
	for (int i = 0; got.bindings[i]; i++)
		buf_printf(&types, "%s ", got.bindings[i]);
	ck_assert_str_eq(mechs.data, offers[_i].mechs);
	ck_assert_str_eq(types.data, offers[_i].binding_types);
	buf_fini(&mechs);
	buf_fini(&types);
}
END_TEST

/* XEP-0474: the offer and value of its example; the others by hand from its
 * algorithm (printf 'SCRAM-SHA-1' | openssl dgst -sha1 -binary | base64). */
static const struct {
	struct sasl_offer offer;
	enum scram_hash hash;
	const char *digest;
} digests[] = {
	{ { { "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS" },
	    { "tls-server-end-point", "tls-exporter" } },
	  SCRAM_SHA1,
	  "G6k/rBLDqgOhRRaCuuatSDFkJ08=" },
	{ { { "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1" },
	    { "tls-exporter", "tls-server-end-point" } },
	  SCRAM_SHA1,
	  "G6k/rBLDqgOhRRaCuuatSDFkJ08=" },
	{ { { "SCRAM-SHA-1" }, { NULL } },
	  SCRAM_SHA1,
	  "LrtFoCs8XsoI+diY4u3rG69UGN8=" },
	{ { { "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN" }, { NULL } },
	  SCRAM_SHA256,
	  "J++Diu+JubnE6dLVvZjjI5KHnheOLsUSQWiw/prdbAA=" },
};

START_TEST(digest)
{
	struct buf out = { 0 };

	sasl_offer_digest(&digests[_i].offer, digests[_i].hash, &out);
	ck_assert_str_eq(out.data, digests[_i].digest);
	buf_fini(&out);
}
END_TEST

static const struct {
	bool has_tls, allows_plain;
	const char *mech;
	enum sasl_cond cond;
} refused[] = {
	{ true, true, "EXTERNAL", SASL_INVALID_MECHANISM },
	{ true, true, "scram-sha-1", SASL_INVALID_MECHANISM },
	{ true, true, "SCRAM-SHA-224", SASL_INVALID_MECHANISM },
	{ true, true, "", SASL_INVALID_MECHANISM },
	{ true, false, "PLAIN", SASL_INVALID_MECHANISM },
	{ false, false, "PLAIN", SASL_INVALID_MECHANISM },
	/* RFC 6120 6.5.4 */
	{ false, true, "PLAIN", SASL_ENCRYPTION_REQUIRED },
	{ false, true, "SCRAM-SHA-1-PLUS", SASL_INVALID_MECHANISM },
};

START_TEST(not_offered)
{
	struct sasl_env env = base;
	enum sasl_cond cond = SASL_NONE;
	struct sasl_offer got;

	env.has_tls = refused[_i].has_tls;
	env.allows_plain = refused[_i].allows_plain;
	for (int i = 0; i < SASL_BINDINGS && !env.has_tls; i++)
		env.bindings[i].len = 0;
	sasl_offer(&env, &got);
	ck_assert_ptr_null(sasl_new(&env, &got, refused[_i].mech, &cond));
	ck_assert_int_eq(cond, refused[_i].cond);
}
END_TEST

START_TEST(cond_names)
{
	for (int i = SASL_NONE + 1; i < SASL_CONDS; i++)
		ck_assert_ptr_nonnull(sasl_cond_name((enum sasl_cond)i));
	ck_assert_ptr_null(sasl_cond_name(SASL_NONE));
	ck_assert_str_eq(sasl_cond_name(SASL_TEMPORARY_AUTH_FAILURE),
			 "temporary-auth-failure");
}
END_TEST

/* --- SCRAM */

static const struct {
	const char *mech, *first;
	enum sasl_binding_type binding;
} scrams[] = {
	{ "SCRAM-SHA-1", "n,,n=alice,r=abc", SASL_BINDINGS },
	{ "SCRAM-SHA-256", "n,,n=alice,r=abc", SASL_BINDINGS },
	{ "SCRAM-SHA-512", "n,,n=alice,r=abc", SASL_BINDINGS },
	{ "SCRAM-SHA-1-PLUS", "p=tls-exporter,,n=alice,r=abc",
	  SASL_TLS_EXPORTER },
	{ "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=alice,r=abc",
	  SASL_TLS_SERVER_END_POINT },
	{ "SCRAM-SHA-512-PLUS", "p=tls-unique,,n=alice,r=abc",
	  SASL_TLS_UNIQUE },
	/* RFC 6120 6.3.8: the bare JID, in any spelling. */
	{ "SCRAM-SHA-1", "n,a=alice@example.org,n=alice,r=abc", SASL_BINDINGS },
	{ "SCRAM-SHA-1", "n,a=Alice@EXAMPLE.org,n=ALICE,r=abc", SASL_BINDINGS },
	{ "SCRAM-SHA-1-PLUS",
	  "p=tls-exporter,a=alice@example.org,n=alice,r=abc,x=1",
	  SASL_TLS_EXPORTER },
};

static struct sasl_env
all_bindings(void)
{
	struct sasl_env env = base;

	env.bindings[SASL_TLS_UNIQUE] =
		(struct sasl_binding){ unique, sizeof(unique), false };
	return env;
}

START_TEST(scram)
{
	struct sasl_env env = all_bindings();
	enum sasl_binding_type type = scrams[_i].binding;
	struct sasl *s = start(&env, scrams[_i].mech);

	ck_assert_int_eq(
		play(s, scrams[_i].first, "secret",
		     type == SASL_BINDINGS ? NULL : &env.bindings[type]),
		SASL_SUCCESS);
	ck_assert_str_eq(sasl_username(s), "alice");
	ck_assert_int_eq(sasl_cond(s), SASL_NONE);
	sasl_free(s);
}
END_TEST

/* Not in the list, but taken from who asks for it. */
START_TEST(scram_unoffered_binding)
{
	struct sasl_env env = all_bindings();
	struct sasl_offer list;
	struct sasl *s;

	env.bindings[SASL_TLS_UNIQUE].is_unoffered = true;
	sasl_offer(&env, &list);
	for (const char *const *b = list.bindings; *b; b++)
		ck_assert_str_ne(*b, "tls-unique");
	s = start(&env, "SCRAM-SHA-256-PLUS");
	ck_assert_int_eq(play(s, "p=tls-unique,,n=alice,r=abc", "secret",
			      &env.bindings[SASL_TLS_UNIQUE]),
			 SASL_SUCCESS);
	sasl_free(s);
}
END_TEST

START_TEST(scram_wrong_password)
{
	struct sasl_env env = all_bindings();
	enum sasl_binding_type type = scrams[_i].binding;
	struct sasl *s = start(&env, scrams[_i].mech);

	ck_failed(s,
		  play(s, scrams[_i].first, "Secret",
		       type == SASL_BINDINGS ? NULL : &env.bindings[type]),
		  SASL_NOT_AUTHORIZED);
}
END_TEST

/* A man in the middle has another TLS connection to each side. */
START_TEST(scram_wrong_binding)
{
	static const uint8_t other[32] = { 9 };
	struct sasl_binding cb = { other, sizeof(other), false };
	struct sasl *s = start(&base, "SCRAM-SHA-256-PLUS");

	ck_failed(s, play(s, "p=tls-exporter,,n=alice,r=abc", "secret", &cb),
		  SASL_NOT_AUTHORIZED);
	/* The right data of another type is wrong as well. */
	cb = base.bindings[SASL_TLS_SERVER_END_POINT];
	s = start(&base, "SCRAM-SHA-256-PLUS");
	ck_failed(s, play(s, "p=tls-exporter,,n=alice,r=abc", "secret", &cb),
		  SASL_NOT_AUTHORIZED);
}
END_TEST

START_TEST(scram_without_initial_response)
{
	struct sasl *s = start(&base, "SCRAM-SHA-1");

	ck_assert_int_eq(sasl_step(s, NULL, 0), SASL_CONTINUE);
	ck_assert_str_eq(reply(s), "");
	ck_assert_int_eq(play(s, "n,,n=alice,r=abc", "secret", NULL),
			 SASL_SUCCESS);
	sasl_free(s);
}
END_TEST

/* What the features said is in the challenge, so that the proof covers it. */
START_TEST(scram_downgrade_protection)
{
	struct sasl *s = start(&base, "SCRAM-SHA-512");
	struct buf want = { 0 };
	struct sasl_offer shown;
	char *h;

	sasl_offer(&base, &shown);
	sasl_offer_digest(&shown, SCRAM_SHA512, &want);
	ck_assert_int_eq(step(s, "n,,n=alice,r=abc"), SASL_NEED_KEYS);
	ck_assert_int_eq(sasl_keys(s, NULL), SASL_CONTINUE);
	h = scram_attr(reply(s), 'h');
	ck_assert_str_eq(h, want.data);
	free(h);
	buf_fini(&want);
	sasl_free(s);
}
END_TEST

/* RFC 5802 6: "y" from a client says that somebody hid -PLUS from it. */
START_TEST(scram_flag_y)
{
	struct sasl_env env = base;
	struct sasl *s = start(&env, "SCRAM-SHA-1");

	ck_failed(s, step(s, "y,,n=alice,r=abc"), SASL_NOT_AUTHORIZED);
	env.bindings[0].len = env.bindings[1].len = 0;
	s = start(&env, "SCRAM-SHA-1");
	ck_assert_int_eq(play(s, "y,,n=alice,r=abc", "secret", NULL),
			 SASL_SUCCESS);
	sasl_free(s);
}
END_TEST

static const struct {
	const char *mech, *first;
	enum sasl_cond cond;
} bad_scrams[] = {
	{ "SCRAM-SHA-1", "", SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=alice", SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,m=x,n=alice,r=abc", SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "p=tls-exporter,,n=alice,r=abc",
	  SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "n,,n=alice,r=abc", SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "y,,n=alice,r=abc", SASL_MALFORMED_REQUEST },
	/* Not to be had on this connection; not a type at all. */
	{ "SCRAM-SHA-1-PLUS", "p=tls-unique,,n=alice,r=abc",
	  SASL_NOT_AUTHORIZED },
	{ "SCRAM-SHA-1-PLUS", "p=tls-exporte,,n=alice,r=abc",
	  SASL_NOT_AUTHORIZED },
	{ "SCRAM-SHA-1-PLUS", "p=TLS-EXPORTER,,n=alice,r=abc",
	  SASL_NOT_AUTHORIZED },
	/* RFC 6120 6.5.6 */
	{ "SCRAM-SHA-1", "n,a=bob@example.org,n=alice,r=abc",
	  SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=alice@example.com,n=alice,r=abc",
	  SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=alice,n=alice,r=abc", SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=example.org,n=alice,r=abc",
	  SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=alice@example.org/x,n=alice,r=abc",
	  SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=@,n=alice,r=abc", SASL_INVALID_AUTHZID },
	/* No account can have such a name. */
	{ "SCRAM-SHA-1", "n,,n=alice@example.org,r=abc", SASL_NOT_AUTHORIZED },
	{ "SCRAM-SHA-1", "n,,n=a b,r=abc", SASL_NOT_AUTHORIZED },
	{ "SCRAM-SHA-1", "n,,n=\xe2\x99\x9a,r=abc", SASL_NOT_AUTHORIZED },
};

START_TEST(bad_scram)
{
	struct sasl *s = start(&base, bad_scrams[_i].mech);

	ck_failed(s, step(s, bad_scrams[_i].first), bad_scrams[_i].cond);
}
END_TEST

START_TEST(bad_scram_final)
{
	struct sasl *s = start(&base, "SCRAM-SHA-1");

	ck_assert_int_eq(step(s, "n,,n=alice,r=abc"), SASL_NEED_KEYS);
	ck_assert_int_eq(sasl_keys(s, NULL), SASL_CONTINUE);
	ck_failed(s, step(s, "c=biws"), SASL_MALFORMED_REQUEST);

	s = start(&base, "SCRAM-SHA-1");
	ck_assert_int_eq(step(s, "n,,n=alice,r=abc"), SASL_NEED_KEYS);
	ck_assert_int_eq(sasl_keys(s, NULL), SASL_CONTINUE);
	ck_failed(s, step(s, ""), SASL_MALFORMED_REQUEST);
}
END_TEST

START_TEST(scram_unicode_name)
{
	/* Fullwidth "ALI" and e with an accent of its own. */
	static const char first[] = "n,,n=\xef\xbc\xa1\xef\xbc\xac\xef\xbc\xa9"
				    "e\xcc\x81,r=abc";
	struct sasl *s = start(&base, "SCRAM-SHA-1");

	ck_assert_int_eq(step(s, first), SASL_NEED_KEYS);
	ck_assert_str_eq(sasl_username(s), "ali\xc3\xa9");
	sasl_free(s);
}
END_TEST

/* The challenge for a user who may not be there. */
static char *
challenge(const struct sasl_env *env, const char *first,
	  const struct scram_keys *keys)
{
	struct sasl *s = start(env, "SCRAM-SHA-256");
	char *copy;

	ck_assert_int_eq(step(s, first), SASL_NEED_KEYS);
	ck_assert_int_eq(sasl_keys(s, keys), SASL_CONTINUE);
	copy = mem_strdup(reply(s));
	sasl_free(s);
	return copy;
}

static void
ck_salts(const char *a, const char *b, bool same)
{
	char *x = scram_attr(a, 's'), *y = scram_attr(b, 's');

	ck_assert_int_eq(!strcmp(x, y), same);
	free(x);
	free(y);
}

/* An unknown user looks like one who is there: always the same salt, another
 * one for everybody else. */
START_TEST(unknown_user)
{
	struct sasl_env other = base;
	struct scram_keys keys;
	char *a, *again, *bob, *elsewhere, *real;

	other.host = "example.com";
	scram_keys_new(SCRAM_SHA256, "x", 1, 64, &keys);
	a = challenge(&base, "n,,n=alice,r=abc", NULL);
	again = challenge(&base, "n,,n=Alice,r=abc", NULL);
	bob = challenge(&base, "n,,n=bob,r=abc", NULL);
	elsewhere = challenge(&other, "n,,n=alice,r=abc", NULL);
	real = challenge(&base, "n,,n=alice,r=abc", &keys);
	ck_salts(a, again, true);
	ck_salts(a, bob, false);
	ck_salts(a, elsewhere, false);
	ck_assert_uint_eq(strlen(a), strlen(real));
	ck_assert_str_eq(strstr(a, ",i="), strstr(real, ",i="));

	/* An account without keys for this hash: the same. */
	keys.iterations = 0;
	free(real);
	real = challenge(&base, "n,,n=alice,r=abc", &keys);
	ck_salts(a, real, true);
	free(a);
	free(again);
	free(bob);
	free(elsewhere);
	free(real);
}
END_TEST

START_TEST(unknown_user_fails)
{
	struct sasl *s = start(&base, "SCRAM-SHA-256");

	ck_failed(s, play(s, "n,,n=bob,r=abc", "secret", NULL),
		  SASL_NOT_AUTHORIZED);
	s = start(&base, "SCRAM-SHA-256");
	ck_failed(s, play(s, "n,,n=bob,r=abc", "", NULL), SASL_NOT_AUTHORIZED);
}
END_TEST

/* --- PLAIN */

#define MSG(s) s, sizeof(s) - 1

static const struct {
	const char *data;
	size_t len;
	const char *username, *password; /* username NULL: cond */
	enum sasl_cond cond;
} plains[] = {
	{ MSG("\0alice\0secret"), "alice", "secret", SASL_NONE },
	{ MSG("alice@example.org\0Alice\0 s p "), "alice", " s p ", SASL_NONE },
	/* OpaqueString: NFC, and blanks of all kinds are one. */
	{ MSG("\0alice\0e\xcc\x81\xe3\x80\x80z"), "alice", "\xc3\xa9 z",
	  SASL_NONE },
	{ MSG("alice@example.com\0alice\0x"), NULL, NULL,
	  SASL_INVALID_AUTHZID },
	{ MSG("bob@example.org\0alice\0x"), NULL, NULL, SASL_INVALID_AUTHZID },
	{ MSG("alice\0alice\0x"), NULL, NULL, SASL_INVALID_AUTHZID },
	{ MSG("\0a@b\0x"), NULL, NULL, SASL_NOT_AUTHORIZED },
	{ MSG("\0alice\0\x01"), NULL, NULL, SASL_NOT_AUTHORIZED },
	{ MSG(""), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0\0"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0alice\0"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0\0secret"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("alice\0secret"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0alice\0sec\0ret"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0alice\0secret\0"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0alice\0\xff"), NULL, NULL, SASL_MALFORMED_REQUEST },
	{ MSG("\0al\xe9\0x"), NULL, NULL, SASL_MALFORMED_REQUEST },
};

START_TEST(plain)
{
	struct sasl *s = start(&base, "PLAIN");
	enum sasl_step got = sasl_step(s, plains[_i].data, plains[_i].len);
	size_t len;

	if (!plains[_i].username) {
		ck_failed(s, got, plains[_i].cond);
		return;
	}
	ck_assert_int_eq(got, SASL_NEED_CHECK);
	ck_assert_str_eq(sasl_username(s), plains[_i].username);
	ck_assert_str_eq(sasl_password(s, &len), plains[_i].password);
	ck_assert_uint_eq(len, strlen(plains[_i].password));
	ck_assert_int_eq(sasl_checked(s, true), SASL_SUCCESS);
	ck_assert_str_eq(reply(s), "");
	sasl_free(s);
}
END_TEST

START_TEST(plain_wrong_password)
{
	struct sasl *s = start(&base, "PLAIN");

	ck_assert_int_eq(sasl_step(s, MSG("\0alice\0x")), SASL_NEED_CHECK);
	ck_failed(s, sasl_checked(s, false), SASL_NOT_AUTHORIZED);
}
END_TEST

/* PLAIN for a user who is not there is checked against keys too, those that
 * SCRAM would show. */
START_TEST(plain_unknown_user)
{
	struct sasl *s = start(&base, "PLAIN");
	struct buf salt = { 0 };
	struct scram_keys fake;
	const char *password;
	char *shown, *text;
	size_t len;

	ck_assert_int_eq(sasl_step(s, MSG("\0bob\0x")), SASL_NEED_CHECK);
	sasl_fake_keys(s, SCRAM_SHA256, &fake);
	password = sasl_password(s, &len);
	ck_assert(!scram_verify_password(SCRAM_SHA256, &fake, password, len));
	ck_assert_int_eq(fake.iterations, 64);
	shown = challenge(&base, "n,,n=bob,r=abc", NULL);
	text = scram_attr(shown, 's');
	base64_encode(&salt, fake.salt, fake.salt_len);
	ck_assert_str_eq(text, salt.data);
	buf_fini(&salt);
	free(shown);
	free(text);
	sasl_free(s);
}
END_TEST

/* --- EXTERNAL: XEP-0178 section 2 */

static const struct {
	const char *identities, *authzid, *username; /* NULL: cond */
	enum sasl_cond cond;
} externals[] = {
	{ "alice@example.org\0", "", "alice", SASL_NONE },
	{ "alice@example.org\0", "alice@example.org", "alice", SASL_NONE },
	{ "Alice@Example.ORG\0", "ALICE@example.org", "alice", SASL_NONE },
	{ "alice@other.org\0alice@example.org\0", "", "alice", SASL_NONE },
	{ "alice@example.org\0Alice@example.org\0", "", "alice", SASL_NONE },
	{ "alice@example.org\0bob@example.org\0", "bob@example.org", "bob",
	  SASL_NONE },
	/* Which of them? */
	{ "alice@example.org\0bob@example.org\0", "", NULL,
	  SASL_INVALID_AUTHZID },
	{ "alice@example.org\0", "bob@example.org", NULL,
	  SASL_INVALID_AUTHZID },
	{ "alice@example.org\0", "alice@example.org/x", NULL,
	  SASL_INVALID_AUTHZID },
	{ "alice@example.org\0", "alice", NULL, SASL_INVALID_AUTHZID },
	{ "alice@example.org\0", "@", NULL, SASL_INVALID_AUTHZID },
	/* In the certificate, but not ours to give. */
	{ "alice@other.org\0alice@example.org\0", "alice@other.org", NULL,
	  SASL_INVALID_AUTHZID },
};

START_TEST(external)
{
	struct sasl_env env = base;
	struct sasl *s;
	enum sasl_step got;

	env.identities = externals[_i].identities;
	s = start(&env, "EXTERNAL");
	got = step(s, externals[_i].authzid);
	if (!externals[_i].username) {
		ck_failed(s, got, externals[_i].cond);
		return;
	}
	ck_assert_int_eq(got, SASL_NEED_ACCOUNT);
	ck_assert_str_eq(sasl_username(s), externals[_i].username);
	ck_assert_int_eq(sasl_account(s, true), SASL_SUCCESS);
	sasl_free(s);
}
END_TEST

START_TEST(external_without_account)
{
	struct sasl_env env = base;
	struct sasl *s;

	env.identities = "alice@example.org\0";
	s = start(&env, "EXTERNAL");
	ck_assert_int_eq(step(s, ""), SASL_NEED_ACCOUNT);
	ck_failed(s, sasl_account(s, false), SASL_NOT_AUTHORIZED);
}
END_TEST

/* --- As text: RFC 6120 6.4.2 */

START_TEST(text)
{
	static const char first[] = "biwsbj1hbGljZSxyPWFiYw==";
	struct sasl *s = start(&base, "SCRAM-SHA-1");
	struct buf out = { 0 };

	ck_assert_int_eq(sasl_step_text(s, "", 0), SASL_CONTINUE);
	sasl_reply_text(s, &out);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(sasl_step_text(s, first, strlen(first)),
			 SASL_NEED_KEYS);
	ck_assert_int_eq(sasl_keys(s, NULL), SASL_CONTINUE);
	sasl_reply_text(s, &out);
	ck_assert(!strncmp(out.data, "cj1hYm", 6)); /* r=abc */
	buf_fini(&out);
	/* An empty response is one, after the first. */
	ck_failed(s, sasl_step_text(s, "", 0), SASL_MALFORMED_REQUEST);
}
END_TEST

START_TEST(text_empty)
{
	struct sasl_env env = base;
	struct sasl *s;

	env.identities = "alice@example.org\0";
	s = start(&env, "EXTERNAL");
	ck_assert_int_eq(sasl_step_text(s, "=", 1), SASL_NEED_ACCOUNT);
	sasl_free(s);
	/* Asked for it, the client has nothing to say. */
	s = start(&env, "EXTERNAL");
	ck_assert_int_eq(sasl_step_text(s, "", 0), SASL_CONTINUE);
	ck_assert_int_eq(sasl_step_text(s, "", 0), SASL_NEED_ACCOUNT);
	sasl_free(s);
}
END_TEST

static const char *const bad_texts[] = { "==",	  "biw",  "biws\n", " biws",
					 "biws=", "b_ws", "bi=s" };

START_TEST(bad_text)
{
	struct sasl *s = start(&base, "SCRAM-SHA-1");

	ck_failed(s, sasl_step_text(s, bad_texts[_i], strlen(bad_texts[_i])),
		  SASL_INCORRECT_ENCODING);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("sasl");

	tcase_add_loop_test(tc, offer, 0, N_ELEMENTS(offers));
	tcase_add_loop_test(tc, digest, 0, N_ELEMENTS(digests));
	tcase_add_loop_test(tc, not_offered, 0, N_ELEMENTS(refused));
	tcase_add_test(tc, cond_names);
	tcase_add_loop_test(tc, scram, 0, N_ELEMENTS(scrams));
	tcase_add_test(tc, scram_unoffered_binding);
	tcase_add_loop_test(tc, scram_wrong_password, 0, N_ELEMENTS(scrams));
	tcase_add_test(tc, scram_wrong_binding);
	tcase_add_test(tc, scram_without_initial_response);
	tcase_add_test(tc, scram_downgrade_protection);
	tcase_add_test(tc, scram_flag_y);
	tcase_add_loop_test(tc, bad_scram, 0, N_ELEMENTS(bad_scrams));
	tcase_add_test(tc, bad_scram_final);
	tcase_add_test(tc, scram_unicode_name);
	tcase_add_test(tc, unknown_user);
	tcase_add_test(tc, unknown_user_fails);
	tcase_add_loop_test(tc, plain, 0, N_ELEMENTS(plains));
	tcase_add_test(tc, plain_wrong_password);
	tcase_add_test(tc, plain_unknown_user);
	tcase_add_loop_test(tc, external, 0, N_ELEMENTS(externals));
	tcase_add_test(tc, external_without_account);
	tcase_add_test(tc, text);
	tcase_add_test(tc, text_empty);
	tcase_add_loop_test(tc, bad_text, 0, N_ELEMENTS(bad_texts));
	return unit_run(tc);
}
