/* check_scram.c - RFC 5802 keys and exchange. */

#include "xmpp/scram.h"

#include "base/base64.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* All of them: password "pencil", 4,096 iterations. */
static const struct vector {
	enum scram_hash hash;
	const char *salt, *first, *nonce, *downgrade, *challenge;
	const char *cb; /* channel binding data */
	const char *final, *success;
} vectors[] = {
	/* RFC 5802 section 5 */
	{ SCRAM_SHA1, "QSXCR+Q6sek8bf92",
	  "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", NULL,
	  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	  "s=QSXCR+Q6sek8bf92,i=4096",
	  "",
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	/* RFC 7677 section 3 */
	{ SCRAM_SHA256,
	  "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	  "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", NULL,
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
	/* The same with SHA-512, by Python's hashlib. */
	{ SCRAM_SHA512, "QSXCR+Q6sek8bf92", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	  "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", NULL,
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "s=QSXCR+Q6sek8bf92,i=4096",
	  "",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "p=EAykbhDbSIdK2NH1gxa6hYeuy//"
	  "F2vYHhDoID4icsfM4En7tcnA3Z8d4tGEJYtryn0r"
	  "PgJfK/+/jQRZPhFOnvg==",
	  "v=yax/LDlXoMn1o/"
	  "AvseJ8T8lP13ZwLqloWBF+Ha+KqzvGcg205ZoJQDqxr01QXLIFNyi"
	  "qDLEITr05WbdTDPpW6w==" },
	/* XEP-0474 "Full Example": bound, with extensions on both sides. */
	{ SCRAM_SHA1, "QSXCR+Q6sek8bf92",
	  "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
	  "a09117a6-ac50-4f2f-93f1-93799c2bddf6",
	  "G6k/rBLDqgOhRRaCuuatSDFkJ08=",
	  "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6"
	  "a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	  "s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=",
	  "THIS IS FAKE CB DATA",
	  "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,"
	  "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6"
	  "a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	  "x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,"
	  "p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
	  "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=" },
};

static void
derive(const struct vector *v, const char *password, struct scram_keys *out)
{
	struct buf salt = { 0 };

	ck_assert_int_eq(base64_decode(&salt, v->salt, strlen(v->salt)), 0);
	scram_derive(v->hash, password, strlen(password),
		     (const uint8_t *)salt.data, salt.len, 4096, out);
	buf_fini(&salt);
}

/* Up to the final message, which is not read yet. */
static void
begin(struct scram *x, const struct vector *v, const char *password)
{
	struct scram_keys keys = { 0 };
	struct buf out = { 0 };

	*x = (struct scram){ .hash = v->hash };
	derive(v, password, &keys);
	ck_assert_int_eq(scram_read_first(x, v->first, strlen(v->first)),
			 SCRAM_OK);
	ck_assert_str_eq(x->username.data, "user");
	ck_assert_uint_eq(x->authzid.len, 0);
	scram_write_first(x, &keys, v->nonce, v->downgrade, &out);
	ck_assert_str_eq(out.data, v->challenge);
	buf_fini(&out);
}

START_TEST(exchange)
{
	const struct vector *v = &vectors[_i];
	struct buf out = { 0 };
	struct scram x;

	begin(&x, v, "pencil");
	ck_assert_int_eq(scram_read_final(&x, v->final, strlen(v->final), v->cb,
					  strlen(v->cb), &out),
			 SCRAM_OK);
	ck_assert_str_eq(out.data, v->success);
	scram_fini(&x);
	buf_fini(&out);
}
END_TEST

START_TEST(wrong_password)
{
	const struct vector *v = &vectors[_i];
	struct buf out = { 0 };
	struct scram x;

	begin(&x, v, "Pencil");
	ck_assert_int_eq(scram_read_final(&x, v->final, strlen(v->final), v->cb,
					  strlen(v->cb), &out),
			 SCRAM_BAD_PROOF);
	ck_assert_uint_eq(out.len, 0);
	scram_fini(&x);
	buf_fini(&out);
}
END_TEST

/* No single character of the final message can be another one. */
START_TEST(tampered)
{
	const struct vector *v = &vectors[_i];
	struct scram x;

	begin(&x, v, "pencil");
	for (size_t i = 0; i < strlen(v->final); i++) {
		char *final = mem_strdup(v->final);
		size_t auth_len = x.auth.len;
		struct buf out = { 0 };

		final[i] ^= 1;
		ck_assert_int_ne(scram_read_final(&x, final, strlen(final),
						  v->cb, strlen(v->cb), &out),
				 SCRAM_OK);
		ck_assert_uint_eq(out.len, 0);
		x.auth.len = auth_len;
		free(final);
	}
	scram_fini(&x);
}
END_TEST

/* --- The first message */

static const struct {
	const char *msg;
	char flag;
	const char *binding, *authzid, *username, *nonce;
} firsts[] = {
	{ "n,,n=user,r=abc", 'n', "", "", "user", "abc" },
	{ "y,,n=user,r=abc", 'y', "", "", "user", "abc" },
	{ "p=tls-unique,,n=u,r=a", 'p', "tls-unique", "", "u", "a" },
	{ "p=a.B-9,,n=u,r=a", 'p', "a.B-9", "", "u", "a" },
	{ "n,a=me@example.org,n=me,r=abc", 'n', "", "me@example.org", "me",
	  "abc" },
	{ "n,a=a=2Cb=3D,n==3D=2C=3D2C,r=abc", 'n', "", "a,b=", "=,=2C", "abc" },
	{ "n,,n=a@b c,r=!\"#$%&'()*+-./<=>~", 'n', "", "", "a@b c",
	  "!\"#$%&'()*+-./<=>~" },
	{ "n,,n=\xc3\xa9\xf0\x9f\x98\x80,r=a", 'n', "", "",
	  "\xc3\xa9\xf0\x9f\x98\x80", "a" },
	/* Extensions are ignored, whatever is in them. */
	{ "n,,n=user,r=abc,x=1,Y===,h=\xc3\xa9 z", 'n', "", "", "user", "abc" },
};

static const char *
text(const struct buf *b)
{
	return b->len ? b->data : "";
}

START_TEST(first)
{
	const char *msg = firsts[_i].msg;
	struct scram x = { 0 };

	ck_assert_int_eq(scram_read_first(&x, msg, strlen(msg)), SCRAM_OK);
	ck_assert_int_eq(x.flag, firsts[_i].flag);
	ck_assert_str_eq(text(&x.binding), firsts[_i].binding);
	ck_assert_str_eq(text(&x.authzid), firsts[_i].authzid);
	ck_assert_str_eq(text(&x.username), firsts[_i].username);
	ck_assert_str_eq(text(&x.nonce), firsts[_i].nonce);
	scram_fini(&x);
}
END_TEST

static const struct {
	const char *msg;
	enum scram_error error;
} bad_firsts[] = {
	{ "", SCRAM_MALFORMED },
	{ "n", SCRAM_MALFORMED },
	{ "n,", SCRAM_MALFORMED },
	{ "n,,", SCRAM_MALFORMED },
	{ "n,,n=user", SCRAM_MALFORMED },
	{ "n,,n=user,", SCRAM_MALFORMED },
	{ "n,,n=user,r=", SCRAM_MALFORMED },
	{ "n,,n=,r=abc", SCRAM_MALFORMED },
	{ "n,,r=abc,n=user", SCRAM_MALFORMED },
	{ "n,n=user,r=abc", SCRAM_MALFORMED },
	{ "n=user,r=abc", SCRAM_MALFORMED },
	{ ",,n=user,r=abc", SCRAM_MALFORMED },
	{ "N,,n=user,r=abc", SCRAM_MALFORMED },
	{ "x,,n=user,r=abc", SCRAM_MALFORMED },
	{ "nn,,n=user,r=abc", SCRAM_MALFORMED },
	{ "F,n,,n=user,r=abc", SCRAM_MALFORMED }, /* RFC 5801 nonstandard */
	{ "p,,n=user,r=abc", SCRAM_MALFORMED },
	{ "p=,,n=user,r=abc", SCRAM_MALFORMED },
	{ "p=tls_unique,,n=user,r=abc", SCRAM_MALFORMED },
	{ "p=tls unique,,n=user,r=abc", SCRAM_MALFORMED },
	{ "n,a=,n=user,r=abc", SCRAM_MALFORMED },
	{ "n,b=me,n=user,r=abc", SCRAM_MALFORMED },
	{ "n,a=me=,n=user,r=abc", SCRAM_MALFORMED },
	{ "n,,n=us=er,r=abc", SCRAM_MALFORMED },
	{ "n,,n=us=2,r=abc", SCRAM_MALFORMED },
	{ "n,,n=us=2c,r=abc", SCRAM_MALFORMED },
	{ "n,,n=us=3d,r=abc", SCRAM_MALFORMED },
	{ "n,,n=us=40,r=abc", SCRAM_MALFORMED },
	{ "n,,n=\xc3,r=abc", SCRAM_MALFORMED },
	{ "n,,n=\xc0\x80,r=abc", SCRAM_MALFORMED },
	{ "n,,n=\xed\xa0\x80,r=abc", SCRAM_MALFORMED },
	{ "n,,n=user,r=a c", SCRAM_MALFORMED },
	{ "n,,n=user,r=a\tc", SCRAM_MALFORMED },
	{ "n,,n=user,r=\xc3\xa9", SCRAM_MALFORMED },
	{ "n,,n=user,r=a\x7f", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,,", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,x", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,x=", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,xy=1", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,1=1", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,x=\xff", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,r=def", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,n=root", SCRAM_MALFORMED },
	{ "n,,n=user,r=abc,p=Zg==", SCRAM_MALFORMED },
	/* RFC 5802 5.1: reserved for what must be understood */
	{ "n,,m=1,n=user,r=abc", SCRAM_EXTENSION },
	{ "n,,n=user,r=abc,m=1", SCRAM_EXTENSION },
	{ "n,,n=user,r=abc,x=1,m=1", SCRAM_EXTENSION },
};

START_TEST(bad_first)
{
	const char *msg = bad_firsts[_i].msg;
	struct scram x = { 0 };

	ck_assert_int_eq(scram_read_first(&x, msg, strlen(msg)),
			 bad_firsts[_i].error);
	scram_fini(&x);
}
END_TEST

START_TEST(first_with_nul)
{
	static const char msg[] = "n,,n=us\0er,r=abc";
	struct scram x = { 0 };

	ck_assert_int_eq(scram_read_first(&x, msg, sizeof(msg) - 1),
			 SCRAM_MALFORMED);
	scram_fini(&x);
}
END_TEST

START_TEST(nonce_limit)
{
	struct buf msg = { 0 };
	struct scram x = { 0 }, y = { 0 };

	buf_adds(&msg, "n,,n=user,r=");
	for (int i = 0; i < SCRAM_NONCE_MAX; i++)
		buf_addc(&msg, 'r');
	ck_assert_int_eq(scram_read_first(&x, msg.data, msg.len), SCRAM_OK);
	buf_addc(&msg, 'r');
	ck_assert_int_eq(scram_read_first(&y, msg.data, msg.len),
			 SCRAM_MALFORMED);
	scram_fini(&x);
	scram_fini(&y);
	buf_fini(&msg);
}
END_TEST

/* --- The final message, for vector 0 */

#define NONCE "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
#define PROOF "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="

static const struct {
	const char *msg;
	enum scram_error error;
} bad_finals[] = {
	{ "", SCRAM_MALFORMED },
	{ "c=biws", SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE, SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",", SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",p=", SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",p=AAAA", SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",p=" PROOF ",x=1", SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",p=" PROOF "\n", SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts", SCRAM_MALFORMED },
	/* Bits behind the last byte: the same proof, written otherwise. */
	{ "c=biws,r=" NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tt=",
	  SCRAM_MALFORMED },
	{ "c=biws,p=" PROOF ",r=" NONCE, SCRAM_MALFORMED },
	{ "r=" NONCE ",c=biws,p=" PROOF, SCRAM_MALFORMED },
	{ "c=,r=" NONCE ",p=" PROOF, SCRAM_MALFORMED },
	{ "c=bi ws,r=" NONCE ",p=" PROOF, SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",r=" NONCE ",p=" PROOF, SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",c=biws,p=" PROOF, SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",x=,p=" PROOF, SCRAM_MALFORMED },
	{ "c=biws,r=" NONCE ",x=\xff,p=" PROOF, SCRAM_MALFORMED },
	{ "m=1,c=biws,r=" NONCE ",p=" PROOF, SCRAM_EXTENSION },
	{ "c=biws,r=" NONCE ",m=1,p=" PROOF, SCRAM_EXTENSION },
	{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=" PROOF, SCRAM_BAD_NONCE },
	{ "c=biws,r=" NONCE "x,p=" PROOF, SCRAM_BAD_NONCE },
	{ "c=biws,r=x,p=" PROOF, SCRAM_BAD_NONCE },
	/* "y,,", "n,a=user,", "n,,x", "n," */
	{ "c=eSws,r=" NONCE ",p=" PROOF, SCRAM_BAD_BINDING },
	{ "c=bixhPXVzZXIs,r=" NONCE ",p=" PROOF, SCRAM_BAD_BINDING },
	{ "c=biwseA==,r=" NONCE ",p=" PROOF, SCRAM_BAD_BINDING },
	{ "c=biw=,r=" NONCE ",p=" PROOF, SCRAM_BAD_BINDING },
	/* What the proof is for has changed. */
	{ "c=biws,r=" NONCE ",x=1,p=" PROOF, SCRAM_BAD_PROOF },
	{ "c=biws,r=" NONCE ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	  SCRAM_BAD_PROOF },
};

START_TEST(bad_final)
{
	const char *msg = bad_finals[_i].msg;
	struct buf out = { 0 };
	struct scram x;

	begin(&x, &vectors[0], "pencil");
	ck_assert_int_eq(scram_read_final(&x, msg, strlen(msg), NULL, 0, &out),
			 bad_finals[_i].error);
	ck_assert_uint_eq(out.len, 0);
	scram_fini(&x);
	buf_fini(&out);
}
END_TEST

/* RFC 5802 6: data that was tampered with, cut off, longer, or missing. */
START_TEST(other_binding)
{
	static const char *const others[] = { "THIS IS FAKE CB DATa",
					      "THIS IS FAKE CB DAT",
					      "THIS IS FAKE CB DATA ", "" };
	const struct vector *v = &vectors[3];
	struct buf out = { 0 };
	struct scram x;

	begin(&x, v, "pencil");
	ck_assert_int_eq(scram_read_final(&x, v->final, strlen(v->final),
					  others[_i], strlen(others[_i]), &out),
			 SCRAM_BAD_BINDING);
	scram_fini(&x);
	buf_fini(&out);
}
END_TEST

/* RFC 5802 7: with flag "p" there is data, even if both sides left it out. */
START_TEST(no_binding)
{
	static const char final[] = "c=cD10bHMtZXhwb3J0ZXIsLA==,"
				    "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6"
				    "a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
				    "p=M/SIDjT+dfcxUh89jZEypRvFxB4=";
	struct buf out = { 0 };
	struct scram x;

	begin(&x, &vectors[3], "pencil");
	ck_assert_int_eq(
		scram_read_final(&x, final, strlen(final), NULL, 0, &out),
		SCRAM_BAD_BINDING);
	scram_fini(&x);
	buf_fini(&out);
}
END_TEST

/* The server's part of the nonce is different each time. */
START_TEST(random_nonce)
{
	struct scram_keys keys = { .iterations = 1, .salt_len = 1 };
	struct buf out[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		struct scram x = { 0 };

		ck_assert_int_eq(scram_read_first(&x, "n,,n=a,r=b", 10),
				 SCRAM_OK);
		scram_write_first(&x, &keys, NULL, NULL, &out[i]);
		scram_fini(&x);
		ck_assert_uint_eq(out[i].len, strlen("r=b,s=AA==,i=1") + 24);
		ck_assert(!strncmp(out[i].data, "r=b", 3));
	}
	ck_assert_str_ne(out[0].data, out[1].data);
	buf_fini(&out[0]);
	buf_fini(&out[1]);
}
END_TEST

/* --- Keys */

START_TEST(new_keys)
{
	enum scram_hash hash = (enum scram_hash)_i;
	struct scram_keys a, b;

	scram_keys_new(hash, "secret", 6, 100, &a);
	scram_keys_new(hash, "secret", 6, 100, &b);
	ck_assert_int_eq(a.iterations, 100);
	ck_assert_uint_eq(a.salt_len, SCRAM_SALT_LEN);
	ck_assert_mem_ne(a.salt, b.salt, SCRAM_SALT_LEN);
	ck_assert_mem_ne(a.stored_key, b.stored_key, scram_key_len(hash));
	ck_assert_mem_ne(a.stored_key, a.server_key, scram_key_len(hash));

	ck_assert(scram_verify_password(hash, &a, "secret", 6));
	ck_assert(!scram_verify_password(hash, &a, "Secret", 6));
	ck_assert(!scram_verify_password(hash, &a, "secret", 5));
	ck_assert(!scram_verify_password(hash, &a, "", 0));
	a.salt[0] ^= 1;
	ck_assert(!scram_verify_password(hash, &a, "secret", 6));
}
END_TEST

START_TEST(fake_keys)
{
	enum scram_hash hash = (enum scram_hash)_i;
	enum scram_hash next = (enum scram_hash)((_i + 1) % SCRAM_HASHES);
	const struct scram_mix mix = { .of = { { 77, 1 } }, .n = 1 };
	struct scram_keys a, b;

	scram_fake_keys("key", 3, "a@b", hash, &mix, &a);
	scram_fake_keys("key", 3, "a@b", hash, &mix, &b);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_int_eq(a.iterations, 77);
	ck_assert_uint_eq(a.salt_len, SCRAM_SALT_LEN);
	ck_assert(!scram_verify_password(hash, &a, "", 0));

	scram_fake_keys("kez", 3, "a@b", hash, &mix, &b);
	ck_assert_mem_ne(a.salt, b.salt, SCRAM_SALT_LEN);
	scram_fake_keys("key", 3, "a@c", hash, &mix, &b);
	ck_assert_mem_ne(a.salt, b.salt, SCRAM_SALT_LEN);
	scram_fake_keys("key", 3, "a@b", next, &mix, &b);
	ck_assert_mem_ne(a.salt, b.salt, SCRAM_SALT_LEN);
}
END_TEST

/* Unknown users have the iterations that accounts have, in the same parts. */
START_TEST(fake_iterations)
{
	enum { USERS = 4000 };
	struct scram_mix mix = {
		.of = { { 4096, 3 }, { 9999, 0 }, { 10000, 1 } }, .n = 3
	};
	struct scram_mix later = { .of = { { 4096, 1 }, { 10000, 1 } },
				   .n = 2 };
	int n_old = 0, n_changed = 0;

	for (int i = 0; i < USERS; i++) {
		struct scram_keys a, b, other;
		char user[32];
		bool same;

		snprintf(user, sizeof(user), "u%d@example.org", i);
		scram_fake_keys("key", 3, user, SCRAM_SHA256, &mix, &a);
		scram_fake_keys("key", 3, user, SCRAM_SHA1, &mix, &other);
		ck_assert_int_eq(a.iterations, other.iterations);
		ck_assert(a.iterations == 4096 || a.iterations == 10000);
		n_old += a.iterations == 4096;

		/* Accounts get new passwords: some users follow, with another
		 * salt, nobody goes back. */
		scram_fake_keys("key", 3, user, SCRAM_SHA256, &later, &b);
		ck_assert_int_ge(b.iterations, a.iterations);
		same = !memcmp(a.salt, b.salt, SCRAM_SALT_LEN);
		ck_assert_int_eq(same, a.iterations == b.iterations);
		n_changed += !same;
	}
	ck_assert_int_gt(n_old, USERS * 70 / 100);
	ck_assert_int_lt(n_old, USERS * 80 / 100);
	ck_assert_int_gt(n_changed, USERS * 20 / 100);
	ck_assert_int_lt(n_changed, USERS * 30 / 100);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("scram");
	int n = N_ELEMENTS(vectors);

	tcase_add_loop_test(tc, exchange, 0, n);
	tcase_add_loop_test(tc, wrong_password, 0, n);
	tcase_add_loop_test(tc, tampered, 0, n);
	tcase_add_loop_test(tc, first, 0, N_ELEMENTS(firsts));
	tcase_add_loop_test(tc, bad_first, 0, N_ELEMENTS(bad_firsts));
	tcase_add_test(tc, first_with_nul);
	tcase_add_test(tc, nonce_limit);
	tcase_add_loop_test(tc, bad_final, 0, N_ELEMENTS(bad_finals));
	tcase_add_loop_test(tc, other_binding, 0, 4);
	tcase_add_test(tc, no_binding);
	tcase_add_test(tc, random_nonce);
	tcase_add_loop_test(tc, new_keys, 0, SCRAM_HASHES);
	tcase_add_loop_test(tc, fake_keys, 0, SCRAM_HASHES);
	tcase_add_test(tc, fake_iterations);
	return unit_run(tc);
}
