/* scram_client.c - RFC 5802 section 3, from the client's side. */

#include "scram_client.h"

#include "base/base64.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

struct secrets {
	const EVP_MD *md;
	size_t len;
	uint8_t client_key[64], stored_key[64], server_key[64];
};

char *
scram_attr(const char *msg, char name)
{
	for (; msg; msg = strchr(msg, ',')) {
		msg += *msg == ',';
		if (msg[0] == name && msg[1] == '=')
			return mem_strndup(msg + 2, strcspn(msg + 2, ","));
	}
	fprintf(stderr, "no attribute %c\n", name);
	abort();
}

static void
hmac(const struct secrets *s, const uint8_t *key, const char *text,
     uint8_t *out)
{
	HMAC(s->md, key, (int)s->len, (const uint8_t *)text, strlen(text), out,
	     NULL);
}

static void
derive(enum scram_hash hash, const char *password, const char *challenge,
       struct secrets *out)
{
	char *salt_text = scram_attr(challenge, 's');
	char *iterations = scram_attr(challenge, 'i');
	struct buf salt = { 0 };
	uint8_t salted[64];

	out->md = hash == SCRAM_SHA1	 ? EVP_sha1()
		  : hash == SCRAM_SHA256 ? EVP_sha256()
					 : EVP_sha512();
	out->len = (size_t)EVP_MD_get_size(out->md);
	base64_decode(&salt, salt_text, strlen(salt_text));
	PKCS5_PBKDF2_HMAC(password, -1, (const uint8_t *)salt.data,
			  (int)salt.len, atoi(iterations), out->md,
			  (int)out->len, salted);
	hmac(out, salted, "Client Key", out->client_key);
	hmac(out, salted, "Server Key", out->server_key);
	EVP_Digest(out->client_key, out->len, out->stored_key, NULL, out->md,
		   NULL);
	buf_fini(&salt);
	free(salt_text);
	free(iterations);
}

void
scram_answer(enum scram_hash hash, const char *password, const char *first,
	     const char *challenge, const void *cb, size_t cb_len,
	     struct buf *final_out, struct buf *success_out)
{
	const char *bare = strchr(strchr(first, ',') + 1, ',') + 1;
	char *nonce = scram_attr(challenge, 'r');
	struct buf input = { 0 };
	uint8_t signature[64];
	struct secrets s;
	char *auth;

	derive(hash, password, challenge, &s);
	buf_add(&input, first, (size_t)(bare - first));
	buf_add(&input, cb, cb_len);
	buf_adds(final_out, "c=");
	base64_encode(final_out, input.data, input.len);
	buf_printf(final_out, ",r=%s", nonce);
	auth = mem_printf("%s,%s,%s", bare, challenge, final_out->data);

	hmac(&s, s.stored_key, auth, signature);
	for (size_t i = 0; i < s.len; i++)
		signature[i] ^= s.client_key[i];
	buf_adds(final_out, ",p=");
	base64_encode(final_out, signature, s.len);
	hmac(&s, s.server_key, auth, signature);
	buf_adds(success_out, "v=");
	base64_encode(success_out, signature, s.len);
	buf_fini(&input);
	free(nonce);
	free(auth);
}
