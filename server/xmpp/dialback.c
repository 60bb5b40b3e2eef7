/* dialback.c - server dialback (XEP-0220): keys and elements. */

#include "xmpp/dialback.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define HASH_LEN 32

/* ---- keys ---- */

static void
to_hex(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * len] = '\0';
}

void
dialback_key(const uint8_t secret[32], const char *receiving,
	     const char *originating, const char *stream_id,
	     char out[DIALBACK_KEY_SIZE])
{
	char hmac_key[2 * HASH_LEN + 1];
	uint8_t mac[HASH_LEN];
	struct buf text = { 0 };

	/* XEP-0185 2: also what goes into the hash is hexadecimal. */
	to_hex(secret, HASH_LEN, hmac_key);
	buf_printf(&text, "%s %s %s", receiving, originating, stream_id);
	if (!HMAC(EVP_sha256(), hmac_key, 2 * HASH_LEN,
		  (const unsigned char *)text.data, text.len, mac, NULL))
		abort();
	to_hex(mac, HASH_LEN, out);
	OPENSSL_cleanse(hmac_key, sizeof(hmac_key));
	buf_fini(&text);
}

bool
dialback_key_is(const uint8_t secret[32], const char *receiving,
		const char *originating, const char *stream_id, const char *key)
{
	char right[DIALBACK_KEY_SIZE];

	dialback_key(secret, receiving, originating, stream_id, right);
	return strlen(key) == sizeof(right) - 1 &&
	       !CRYPTO_memcmp(key, right, sizeof(right) - 1);
}

/* ---- elements ---- */

static const char *const types[] = {
	[DIALBACK_VALID] = "valid",
	[DIALBACK_INVALID] = "invalid",
	[DIALBACK_ERROR] = "error",
};

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

static struct jid *
read_domain(struct arena *a, const struct xml *x, const char *name)
{
	const char *value = xml_get(x, name);
	struct jid *jid = value ? jid_parse(value) : NULL;

	if (jid && !jid_is_domain(jid))
		jid_unref(&jid);
	if (jid)
		arena_own(a, jid, drop_jid);
	return jid;
}

static int
read_type(const struct xml *x, enum dialback_type *out)
{
	const char *type = xml_get(x, "type");

	*out = DIALBACK_REQUEST;
	if (!type)
		return 0;
	for (size_t i = DIALBACK_VALID; i < N_ELEMENTS(types); i++) {
		if (!strcmp(type, types[i])) {
			*out = (enum dialback_type)i;
			return 0;
		}
	}
	return -1;
}

/* It may stand on a line of its own. */
static const char *
read_key(struct arena *a, const struct xml *x)
{
	static const char blanks[] = " \t\r\n";
	const char *text = xml_get_text(a, x);
	size_t len;

	text += strspn(text, blanks);
	len = strlen(text);
	while (len && strchr(blanks, text[len - 1]))
		len--;
	return len && len <= DIALBACK_KEY_MAX ? arena_strndup(a, text, len)
					      : NULL;
}

static enum stanza_cond
read_error(const struct xml *x)
{
	const struct xml *error = xml_child(x, "error", NULL);
	enum stanza_cond cond = COND_NONE;

	if (error) {
		xml_each (kid, error) {
			if (!cond && !strcmp(kid->ns, NS_STANZA_ERROR))
				cond = stanza_cond_by_name(kid->name);
		}
	}
	return cond ? cond : COND_UNDEFINED_CONDITION;
}

int
dialback_read(struct arena *a, const struct xml *x, struct dialback *out)
{
	*out = (struct dialback){ .is_verify =
					  xml_is(x, "verify", NS_DIALBACK) };
	if (!out->is_verify && !xml_is(x, "result", NS_DIALBACK))
		return -1;
	out->from = read_domain(a, x, "from");
	out->to = read_domain(a, x, "to");
	if (!out->from || !out->to || read_type(x, &out->type) < 0)
		return -1;
	if (out->is_verify) {
		out->id = xml_get(x, "id");
		if (!out->id)
			return -1;
	}
	if (out->type == DIALBACK_REQUEST) {
		out->key = read_key(a, x);
		return out->key ? 0 : -1;
	}
	if (out->type == DIALBACK_ERROR)
		out->error = read_error(x);
	return 0;
}

/* XEP-0220 2.5: in the namespace of the stream. */
static void
write_error(struct buf *b, enum stanza_cond cond, const char *text)
{
	buf_printf(b, "<error type='%s'><%s xmlns='" NS_STANZA_ERROR "'/>",
		   stanza_cond_type(cond), stanza_cond_name(cond));
	if (text) {
		buf_adds(b, "<text xmlns='" NS_STANZA_ERROR "' xml:lang='en'>");
		xml_escape(b, text, strlen(text));
		buf_adds(b, "</text>");
	}
	buf_adds(b, "</error>");
}

void
dialback_write(struct buf *b, const struct dialback *d, const char *error_text)
{
	const char *name = d->is_verify ? "db:verify" : "db:result";

	buf_printf(b, "<%s", name);
	xml_write_attr(b, "from", jid_str(d->from));
	xml_write_attr(b, "to", jid_str(d->to));
	if (d->is_verify)
		xml_write_attr(b, "id", d->id);
	if (d->type != DIALBACK_REQUEST)
		xml_write_attr(b, "type", types[d->type]);
	if (d->type == DIALBACK_VALID || d->type == DIALBACK_INVALID) {
		buf_adds(b, "/>");
		return;
	}
	buf_addc(b, '>');
	if (d->type == DIALBACK_ERROR)
		write_error(b, d->error, error_text);
	else
		xml_escape(b, d->key, strlen(d->key));
	buf_printf(b, "</%s>", name);
}
