/* pseudonym.c - what stands for a real address in what goes to other servers.
 */

#include "modules/muc/pseudonym.h"

#include "base/mem.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/jid.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6761 6.4: nobody has it. */
#define TOP    ".invalid"
#define DIGITS 16

/* Whose id it is, so that one cannot be taken for the other. */
#define OF_DOMAIN  "domain"
#define OF_SESSION "session"

static void
make_id(const struct rules_env *env, const struct room *r, const char *kind,
	const char *what, char out[DIGITS + 1])
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	/* No address has the byte between them. */
	char *text =
		mem_printf("%s\x01%s\x01%s", kind, jid_bare_str(r->jid), what);

	HMAC(EVP_sha256(), env->secret, RULES_SECRET_LEN, (uint8_t *)text,
	     strlen(text), mac, &len);
	free(text);
	for (size_t i = 0; i < DIGITS / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

struct jid *
pseudonym_of(const struct rules_env *env, const struct room *r,
	     const struct jid *real)
{
	char domain[DIGITS + sizeof(TOP)], session[DIGITS + 1];
	char user[OCCUPANT_ID_LEN + 1];

	make_id(env, r, OF_DOMAIN, jid_domain(real), domain);
	strcat(domain, TOP);
	if (jid_is_domain(real))
		return jid_make(NULL, domain, NULL);
	rules_occupant_id(env, r, real, user);
	if (jid_is_bare(real))
		return jid_make(user, domain, NULL);
	make_id(env, r, OF_SESSION, jid_str(real), session);
	return jid_make(user, domain, session);
}

bool
pseudonym_is(const struct jid *jid)
{
	const char *domain = jid ? jid_domain(jid) : "";
	size_t len = strlen(domain);

	return len > strlen(TOP) && !strcmp(domain + len - strlen(TOP), TOP);
}

const char *
pseudonym_occupant_id(const struct jid *jid)
{
	return jid_local(jid);
}
