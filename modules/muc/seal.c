/* seal.c - what goes by a relay and is not for it. */

#include "modules/muc/seal.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONCE_LEN  12
#define TAG_LEN	   16
#define NUMBER_LEN 8

/* ---- keys ---- */

void
seal_make_key(struct seal *seal, const struct rules_env *env,
	      const struct room *r, const struct jid *domain)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	/* No address has the byte between them. */
	char *text = mem_printf("seal\x01%s\x01%s", jid_bare_str(r->jid),
				jid_domain(domain));

	if (!HMAC(EVP_sha256(), env->secret, RULES_SECRET_LEN, (uint8_t *)text,
		  strlen(text), mac, &len))
		abort();
	free(text);
	memcpy(seal->key, mac, SEAL_KEY_LEN);
}

void
seal_write_key(const struct seal *seal, char out[SEAL_TEXT_LEN + 1])
{
	for (size_t i = 0; i < SEAL_KEY_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", seal->key[i]);
}

bool
seal_read_key(struct seal *seal, const char *text)
{
	if (strlen(text) != SEAL_TEXT_LEN ||
	    strspn(text, "0123456789abcdef") != SEAL_TEXT_LEN)
		return false;
	for (size_t i = 0; i < SEAL_KEY_LEN; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };

		seal->key[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

/* ---- sealing ---- */

/* What it is about, which both sides know. */
static char *
subject_of(const struct jid *room, const struct jid *domain, const char *about)
{
	return mem_printf("%s\x01%s\x01%s", jid_bare_str(room),
			  jid_domain(domain), about);
}

static EVP_CIPHER_CTX *
begin(const struct seal *seal, const uint8_t *nonce, const char *subject,
      bool is_closing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	/* Without memory or a cipher there is nothing to go on with. */
	if (!ctx ||
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, nonce,
			      is_closing) != 1 ||
	    EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)subject,
			     (int)strlen(subject)) != 1)
		abort();
	return ctx;
}

static void
write_number(uint8_t out[NUMBER_LEN], uint64_t number)
{
	for (int i = 0; i < NUMBER_LEN; i++)
		out[i] = (uint8_t)(number >> 8 * (NUMBER_LEN - 1 - i));
}

static uint64_t
read_number(const uint8_t *in)
{
	uint64_t number = 0;

	for (int i = 0; i < NUMBER_LEN; i++)
		number = number << 8 | in[i];
	return number;
}

void
seal_close(struct buf *out, const struct seal *seal, const struct jid *room,
	   const struct jid *domain, const char *about, uint64_t number,
	   const char *text, size_t len)
{
	size_t size = NONCE_LEN + NUMBER_LEN + len + TAG_LEN;
	uint8_t *data = mem_alloc(size), plain[NUMBER_LEN];
	char *subject = subject_of(room, domain, about);
	uint8_t *at = data + NONCE_LEN;
	EVP_CIPHER_CTX *ctx;
	int n;

	if (RAND_bytes(data, NONCE_LEN) != 1)
		abort();
	ctx = begin(seal, data, subject, true);
	write_number(plain, number);
	if (EVP_CipherUpdate(ctx, at, &n, plain, NUMBER_LEN) != 1 ||
	    EVP_CipherUpdate(ctx, at + NUMBER_LEN, &n, (const uint8_t *)text,
			     (int)len) != 1 ||
	    EVP_CipherFinal_ex(ctx, data + size - TAG_LEN, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN,
				data + size - TAG_LEN) != 1)
		abort();
	EVP_CIPHER_CTX_free(ctx);
	base64_encode(out, data, size);
	free(subject);
	free(data);
}

/* data: all of it. */
static bool
decrypt(uint8_t *plain, const struct seal *seal, const char *subject,
	uint8_t *data, size_t len)
{
	EVP_CIPHER_CTX *ctx = begin(seal, data, subject, false);
	size_t n_plain = len - NONCE_LEN - TAG_LEN;
	int n;
	bool is_good = EVP_CipherUpdate(ctx, plain, &n, data + NONCE_LEN,
					(int)n_plain) == 1 &&
		       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN,
					   data + len - TAG_LEN) == 1 &&
		       EVP_CipherFinal_ex(ctx, plain + n_plain, &n) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return is_good;
}

bool
seal_open(struct buf *out, uint64_t *number_out, const struct seal *seal,
	  const struct jid *room, const struct jid *domain, const char *about,
	  const char *sealed)
{
	struct buf data = { 0 };
	bool is_good = false;
	uint8_t *plain;
	char *subject;

	if (base64_decode(&data, sealed, strlen(sealed)) < 0 ||
	    data.len < NONCE_LEN + NUMBER_LEN + TAG_LEN) {
		buf_fini(&data);
		return false;
	}
	plain = mem_alloc(data.len);
	subject = subject_of(room, domain, about);
	is_good = decrypt(plain, seal, subject, (uint8_t *)data.data, data.len);
	if (is_good) {
		*number_out = read_number(plain);
		buf_add(out, (char *)plain + NUMBER_LEN,
			data.len - NONCE_LEN - TAG_LEN - NUMBER_LEN);
	}
	free(subject);
	free(plain);
	buf_fini(&data);
	return is_good;
}
