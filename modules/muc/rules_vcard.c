/* rules_vcard.c - the room's vCard and the pictures in it (XEP-0054,
 * XEP-0486). */

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/mem.h"
#include "modules/muc/entry.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* More formats of one picture than that are not in use. */
#define PICTURES_MAX 8

/* RFC 2426 2.4.1: its lines may be broken anywhere. */
static int
decode(struct buf *out, const char *text)
{
	struct buf plain = { 0 };
	int ret;

	for (; *text; text++) {
		if (!strchr(" \t\r\n", *text))
			buf_addc(&plain, *text);
	}
	ret = base64_decode(out, plain.data, plain.len);
	buf_fini(&plain);
	return ret;
}

static bool
add_hash(struct buf *hashes, const char *binval)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf picture = { 0 };
	unsigned len = 0;
	bool is_good = decode(&picture, binval) == 0 && picture.len > 0 &&
		       EVP_Digest(picture.data, picture.len, digest, &len,
				  EVP_sha1(), NULL);

	buf_fini(&picture);
	if (is_good && hashes->len)
		buf_addc(hashes, ' ');
	for (unsigned i = 0; is_good && i < len; i++)
		buf_printf(hashes, "%02x", digest[i]);
	return is_good;
}

/* XEP-0486 5.1: of all of them. False: one is none. */
static bool
hash_pictures(const struct xml *vcard, struct buf *hashes)
{
	struct arena *a = arena_new();
	bool is_good = true;
	unsigned n = 0;

	xml_each (photo, vcard) {
		const char *binval = NULL;

		if (xml_is(photo, "PHOTO", NS_VCARD))
			binval = xml_child_text(a, photo, "BINVAL", NS_VCARD);
		if (!binval || !*binval)
			continue;
		if (++n > PICTURES_MAX || !add_hash(hashes, binval)) {
			is_good = false;
			break;
		}
	}
	arena_unref(&a);
	return is_good;
}

static void
set(const struct room *r, const struct submission *sub, struct chunk *text,
    const char *hashes, struct ruling *out)
{
	struct muc_config config;

	muc_config_copy(&config, &r->config);
	free(config.avatar);
	config.avatar = hashes && *hashes ? mem_strdup(hashes) : NULL;
	ruling_add(out, &(struct entry){
				.type = ENTRY_CONFIG,
				.stamp_ms = sub->now_ms,
				.config = &config,
				.payload = text,
			});
	muc_config_fini(&config);
}

static bool
may_set(const struct room *r, const struct submission *sub, struct ruling *out)
{
	if (!has_privilege(&r->config, rules_affiliation(r, sub), ROLE_NONE,
			   PRIV_CONFIGURE))
		return ruling_refuse(out, COND_FORBIDDEN,
				     "only owners may set the vCard");
	/* It would be configured by this. */
	if (r->is_locked)
		return ruling_refuse(out, COND_NOT_ALLOWED,
				     "the room has to be configured first");
	return true;
}

void
rules_vcard(const struct room *r, const struct rules_env *env,
	    const struct submission *sub, struct ruling *out)
{
	const struct xml *vcard = stanza_payload(sub->stanza);
	struct buf hashes = { 0 };
	struct chunk *text;
	size_t len;

	if (!may_set(r, sub, out))
		return;
	text = vcard->n_kids ? xml_to_text(vcard) : chunk_copy("", 0);
	chunk_data(text, &len);
	if (len > env->vcard_max)
		ruling_refuse(out, COND_POLICY_VIOLATION,
			      "the vCard is too large");
	else if (!hash_pictures(vcard, &hashes))
		ruling_refuse(out, COND_BAD_REQUEST,
			      "there is a picture that is none");
	else
		set(r, sub, text, hashes.data, out);
	buf_fini(&hashes);
	chunk_unref(&text);
}
