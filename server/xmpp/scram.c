/* scram.c - RFC 5802 keys and exchange. */

#include "xmpp/scram.h"

#include "base/base64.h"
#include "base/log.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistr.h>

static const struct {
	const char *name, *md_name;
	size_t len;
} hashes[SCRAM_HASHES] = {
	[SCRAM_SHA1] = { "SHA-1", "SHA1", 20 },
	[SCRAM_SHA256] = { "SHA-256", "SHA256", 32 },
	[SCRAM_SHA512] = { "SHA-512", "SHA512", 64 },
};

/* Fetched once: looking them up costs more than using them. Only read
 * afterwards, so that threads may share them. */
static struct {
	EVP_MD *md;
	EVP_MAC_CTX *hmac; /* without a key, to be copied */
} algs[SCRAM_HASHES];
static pthread_once_t algs_once = PTHREAD_ONCE_INIT;

size_t
scram_key_len(enum scram_hash hash)
{
	return hashes[hash].len;
}

/* Out of memory, or an OpenSSL set up without these algorithms. */
static void
must(bool ok)
{
	if (ok)
		return;
	log_error(NULL, "scram: OpenSSL does not provide what SCRAM needs");
	abort();
}

static void
fetch_algs(void)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(hmac);
	for (int i = 0; i < SCRAM_HASHES; i++) {
		const char *name = hashes[i].md_name;
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
							 (char *)name, 0),
			OSSL_PARAM_construct_end(),
		};

		algs[i].md = EVP_MD_fetch(NULL, name, NULL);
		algs[i].hmac = EVP_MAC_CTX_new(hmac);
		must(algs[i].md && algs[i].hmac &&
		     EVP_MAC_CTX_set_params(algs[i].hmac, params));
	}
	EVP_MAC_free(hmac);
}

static const EVP_MD *
md_of(enum scram_hash hash)
{
	must(!pthread_once(&algs_once, fetch_algs));
	return algs[hash].md;
}

void
scram_digest(enum scram_hash hash, const void *data, size_t len, uint8_t *out)
{
	must(EVP_Digest(data, len, out, NULL, md_of(hash), NULL));
}

static void
hmac(enum scram_hash hash, const void *key, size_t key_len, const void *data,
     size_t len, uint8_t *out)
{
	EVP_MAC_CTX *ctx;

	must(!pthread_once(&algs_once, fetch_algs));
	ctx = EVP_MAC_CTX_dup(algs[hash].hmac);
	must(ctx && EVP_MAC_init(ctx, key, key_len, NULL) &&
	     EVP_MAC_update(ctx, data, len) &&
	     EVP_MAC_final(ctx, out, NULL, hashes[hash].len));
	EVP_MAC_CTX_free(ctx);
}

/* --- Keys */

void
scram_derive(enum scram_hash hash, const char *password, size_t len,
	     const uint8_t *salt, size_t salt_len, int iterations,
	     struct scram_keys *out)
{
	size_t key_len = hashes[hash].len;
	uint8_t salted[SCRAM_KEY_MAX], client_key[SCRAM_KEY_MAX];

	assert(iterations > 0 && salt_len <= SCRAM_SALT_MAX && len <= INT_MAX);
	memmove(out->salt, salt, salt_len);
	out->salt_len = salt_len;
	out->iterations = iterations;
	must(PKCS5_PBKDF2_HMAC(password, (int)len, out->salt, (int)salt_len,
			       iterations, md_of(hash), (int)key_len, salted));
	hmac(hash, salted, key_len, "Client Key", 10, client_key);
	scram_digest(hash, client_key, key_len, out->stored_key);
	hmac(hash, salted, key_len, "Server Key", 10, out->server_key);
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client_key, sizeof(client_key));
}

void
scram_keys_new(enum scram_hash hash, const char *password, size_t len,
	       int iterations, struct scram_keys *out)
{
	uint8_t salt[SCRAM_SALT_LEN];

	must(RAND_bytes(salt, sizeof(salt)) == 1);
	*out = (struct scram_keys){ 0 };
	scram_derive(hash, password, len, salt, sizeof(salt), iterations, out);
}

bool
scram_verify_password(enum scram_hash hash, const struct scram_keys *keys,
		      const char *password, size_t len)
{
	struct scram_keys got = { 0 };
	bool ok;

	scram_derive(hash, password, len, keys->salt, keys->salt_len,
		     keys->iterations, &got);
	ok = !CRYPTO_memcmp(got.stored_key, keys->stored_key, hashes[hash].len);
	OPENSSL_cleanse(&got, sizeof(got));
	return ok;
}

/* The user's place among all accounts in the order of the mix stays the same in
 * proportion: who is at a third always has what the account there has. */
static int
draw_iterations(const void *secret, size_t secret_len, const char *user,
		const struct scram_mix *mix)
{
	uint8_t mac[32];
	uint64_t all = 0, place = 0;
	size_t i = 0;

	for (size_t k = 0; k < mix->n; k++)
		all += mix->of[k].accounts;
	hmac(SCRAM_SHA256, secret, secret_len, user, strlen(user), mac);
	for (size_t k = 0; k < 4; k++)
		place = place << 8 | mac[k];
	place = place * all >> 32;
	while (i + 1 < mix->n && place >= mix->of[i].accounts)
		place -= mix->of[i++].accounts;
	return mix->of[i].iterations;
}

void
scram_fake_keys(const void *secret, size_t secret_len, const char *user,
		enum scram_hash hash, const struct scram_mix *mix,
		struct scram_keys *out)
{
	int iterations = draw_iterations(secret, secret_len, user, mix);
	uint8_t mac[32];
	struct buf b = { 0 };

	buf_printf(&b, "%s %d %s", hashes[hash].name, iterations, user);
	hmac(SCRAM_SHA256, secret, secret_len, b.data, b.len, mac);
	buf_fini(&b);
	*out = (struct scram_keys){ .iterations = iterations,
				    .salt_len = SCRAM_SALT_LEN };
	memcpy(out->salt, mac, SCRAM_SALT_LEN);
	/* No ClientKey is known that hashes to such bytes. */
	for (size_t i = 0; i < SCRAM_KEY_MAX; i++) {
		out->stored_key[i] = mac[16 + i % 16];
		out->server_key[i] = (uint8_t)~out->stored_key[i];
	}
}

/* --- Parsing: RFC 5802 section 7 */

struct span {
	const char *s;
	size_t len;
};

static bool
starts_with(struct span in, const char *what)
{
	size_t len = strlen(what);

	return in.len >= len && !memcmp(in.s, what, len);
}

static void
skip(struct span *in, size_t len)
{
	in->s += len;
	in->len -= len;
}

/* Takes all up to the next comma, or all; -1 where that is nothing. */
static int
take_value(struct span *in, struct span *out)
{
	const char *comma = memchr(in->s, ',', in->len);

	*out = *in;
	if (comma)
		out->len = (size_t)(comma - in->s);
	skip(in, out->len);
	return out->len ? 0 : -1;
}

/* Takes "x=value" for an attribute named "x=". */
static int
take_attr(struct span *in, const char *name, struct span *out)
{
	if (!starts_with(*in, name))
		return -1;
	skip(in, strlen(name));
	return take_value(in, out);
}

static int
take_comma(struct span *in)
{
	if (!starts_with(*in, ","))
		return -1;
	skip(in, 1);
	return 0;
}

/* saslname: "=2C" is a comma, "=3D" is "=". */
static int
unescape(struct span in, struct buf *out)
{
	while (in.len) {
		const char *eq = memchr(in.s, '=', in.len);
		size_t plain = eq ? (size_t)(eq - in.s) : in.len;

		buf_add(out, in.s, plain);
		skip(&in, plain);
		if (!in.len)
			break;
		if (!starts_with(in, "=2C") && !starts_with(in, "=3D"))
			return -1;
		buf_addc(out, in.s[1] == '2' ? ',' : '=');
		skip(&in, 3);
	}
	return 0;
}

/* Printable ASCII but the comma, which cannot be in a value. */
static bool
is_nonce(struct span in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.s[i] < 0x21 || in.s[i] > 0x7e)
			return false;
	}
	return in.len <= SCRAM_NONCE_MAX;
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_binding_name(struct span in)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.s[i];

		if (!is_alpha(c) && !(c >= '0' && c <= '9') && c != '.' &&
		    c != '-')
			return false;
	}
	return true;
}

/* Any attribute that RFC 5802 does not define is an extension to be ignored;
 * one that it defines has its place elsewhere. */
static enum scram_error
skip_extension(struct span *in)
{
	struct span value;

	if (starts_with(*in, "m="))
		return SCRAM_EXTENSION;
	if (in->len < 2 || !is_alpha(in->s[0]) || in->s[1] != '=' ||
	    strchr("anrcsipve", in->s[0]))
		return SCRAM_MALFORMED;
	skip(in, 2);
	return take_value(in, &value) < 0 ? SCRAM_MALFORMED : SCRAM_OK;
}

/* value-safe-char: UTF-8 without NUL. */
static bool
is_text(struct span in)
{
	return !memchr(in.s, '\0', in.len) &&
	       !u8_check((const uint8_t *)in.s, in.len);
}

/* gs2-header */
static int
read_header(struct scram *x, struct span *in)
{
	struct span value;

	if (!in->len || !strchr("nyp", in->s[0]))
		return -1;
	x->flag = in->s[0];
	if (x->flag == 'p') {
		if (take_attr(in, "p=", &value) < 0 || !is_binding_name(value))
			return -1;
		buf_add(&x->binding, value.s, value.len);
	} else {
		skip(in, 1);
	}
	if (take_comma(in) < 0)
		return -1;
	if (starts_with(*in, "a=") && (take_attr(in, "a=", &value) < 0 ||
				       unescape(value, &x->authzid) < 0))
		return -1;
	return take_comma(in);
}

/* client-first-message-bare */
static enum scram_error
read_bare(struct scram *x, struct span in)
{
	enum scram_error error = SCRAM_OK;
	struct span value;

	if (starts_with(in, "m="))
		return SCRAM_EXTENSION;
	if (take_attr(&in, "n=", &value) < 0 ||
	    unescape(value, &x->username) < 0 || take_comma(&in) < 0 ||
	    take_attr(&in, "r=", &value) < 0 || !is_nonce(value))
		return SCRAM_MALFORMED;
	buf_add(&x->nonce, value.s, value.len);
	while (in.len && error == SCRAM_OK)
		error = take_comma(&in) < 0 ? SCRAM_MALFORMED
					    : skip_extension(&in);
	return error;
}

enum scram_error
scram_read_first(struct scram *x, const char *msg, size_t len)
{
	struct span in = { msg, len };

	assert(!x->gs2.len);
	if (!len || !is_text(in) || read_header(x, &in) < 0)
		return SCRAM_MALFORMED;
	buf_add(&x->gs2, msg, len - in.len);
	buf_add(&x->auth, in.s, in.len);
	return read_bare(x, in);
}

/* --- Answers */

static void
add_nonce(struct buf *out)
{
	uint8_t bytes[18];

	must(RAND_bytes(bytes, sizeof(bytes)) == 1);
	base64_encode(out, bytes, sizeof(bytes));
}

void
scram_write_first(struct scram *x, const struct scram_keys *keys,
		  const char *nonce, const char *downgrade, struct buf *out)
{
	size_t start;

	assert(keys->iterations > 0 && keys->salt_len <= SCRAM_SALT_MAX);
	x->keys = *keys;
	if (nonce)
		buf_adds(&x->nonce, nonce);
	else
		add_nonce(&x->nonce);

	buf_addc(&x->auth, ',');
	start = x->auth.len;
	buf_adds(&x->auth, "r=");
	buf_add(&x->auth, x->nonce.data, x->nonce.len);
	buf_adds(&x->auth, ",s=");
	base64_encode(&x->auth, keys->salt, keys->salt_len);
	buf_printf(&x->auth, ",i=%d", keys->iterations);
	if (downgrade)
		buf_printf(&x->auth, ",h=%s", downgrade);
	buf_add(out, x->auth.data + start, x->auth.len - start);
	buf_addc(&x->auth, ',');
}

struct final {
	struct span binding, nonce, proof;
	size_t bare_len; /* of client-final-message-without-proof */
};

static enum scram_error
parse_final(struct span in, struct final *out)
{
	const char *start = in.s;

	if (!is_text(in))
		return SCRAM_MALFORMED;
	if (starts_with(in, "m="))
		return SCRAM_EXTENSION;
	if (take_attr(&in, "c=", &out->binding) < 0 || take_comma(&in) < 0 ||
	    take_attr(&in, "r=", &out->nonce) < 0)
		return SCRAM_MALFORMED;
	for (;;) {
		enum scram_error error;

		out->bare_len = (size_t)(in.s - start);
		if (take_comma(&in) < 0)
			return SCRAM_MALFORMED;
		if (starts_with(in, "p="))
			break;
		error = skip_extension(&in);
		if (error != SCRAM_OK)
			return error;
	}
	return take_attr(&in, "p=", &out->proof) < 0 || in.len ? SCRAM_MALFORMED
							       : SCRAM_OK;
}

static bool
is_same(struct span a, const void *b, size_t len)
{
	return a.len == len && (!len || !CRYPTO_memcmp(a.s, b, len));
}

/* cbind-input: the header as it was sent first, and the binding's data. */
static bool
is_bound(const struct scram *x, const struct buf *input, const void *cb,
	 size_t cb_len)
{
	struct span header = { input->data, x->gs2.len };

	return input->len == x->gs2.len + cb_len &&
	       is_same(header, x->gs2.data, x->gs2.len) &&
	       (x->flag == 'p') == (cb_len > 0) &&
	       is_same((struct span){ input->data + x->gs2.len, cb_len }, cb,
		       cb_len);
}

/* RFC 5802 3: the proof hides ClientKey, whose hash is StoredKey. */
static bool
is_proof(const struct scram *x, const uint8_t *proof)
{
	size_t len = hashes[x->hash].len;
	uint8_t key[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];
	bool ok;

	hmac(x->hash, x->keys.stored_key, len, x->auth.data, x->auth.len, key);
	for (size_t i = 0; i < len; i++)
		key[i] ^= proof[i];
	scram_digest(x->hash, key, len, stored);
	ok = !CRYPTO_memcmp(stored, x->keys.stored_key, len);
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

static enum scram_error
check_final(struct scram *x, const struct final *f, const struct buf *binding,
	    const struct buf *proof, const void *cb, size_t cb_len)
{
	if (!is_same(f->nonce, x->nonce.data, x->nonce.len))
		return SCRAM_BAD_NONCE;
	if (!is_bound(x, binding, cb, cb_len))
		return SCRAM_BAD_BINDING;
	if (!is_proof(x, (const uint8_t *)proof->data))
		return SCRAM_BAD_PROOF;
	return SCRAM_OK;
}

enum scram_error
scram_read_final(struct scram *x, const char *msg, size_t len, const void *cb,
		 size_t cb_len, struct buf *out)
{
	struct buf binding = { 0 }, proof = { 0 };
	struct final f = { 0 };
	uint8_t signature[SCRAM_KEY_MAX];
	enum scram_error error;

	assert(x->keys.iterations);
	error = parse_final((struct span){ msg, len }, &f);
	if (error != SCRAM_OK)
		return error;
	buf_add(&x->auth, msg, f.bare_len);

	if (base64_decode(&binding, f.binding.s, f.binding.len) < 0 ||
	    base64_decode(&proof, f.proof.s, f.proof.len) < 0 ||
	    proof.len != hashes[x->hash].len)
		error = SCRAM_MALFORMED;
	else
		error = check_final(x, &f, &binding, &proof, cb, cb_len);
	buf_fini(&binding);
	buf_fini(&proof);
	if (error != SCRAM_OK)
		return error;

	hmac(x->hash, x->keys.server_key, hashes[x->hash].len, x->auth.data,
	     x->auth.len, signature);
	buf_adds(out, "v=");
	base64_encode(out, signature, hashes[x->hash].len);
	return SCRAM_OK;
}

void
scram_fini(struct scram *x)
{
	buf_fini(&x->binding);
	buf_fini(&x->authzid);
	buf_fini(&x->username);
	buf_fini(&x->gs2);
	buf_fini(&x->nonce);
	buf_fini(&x->auth);
	OPENSSL_cleanse(&x->keys, sizeof(x->keys));
}
