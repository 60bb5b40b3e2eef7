/* muc_user.c - what a room says to its occupants. */

#include "xmpp/muc_user.h"

#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <string.h>

bool
muc_user_has_status(const struct stanza *s, const char *code)
{
	const struct xml *x = stanza_child(s, "x", NS_MUC_USER);

	if (!x)
		return false;
	xml_each (kid, x) {
		const char *value;

		if (!xml_is(kid, "status", NS_MUC_USER))
			continue;
		value = xml_get(kid, "code");
		if (value && !strcmp(value, code))
			return true;
	}
	return false;
}

struct jid *
muc_user_renamed(const struct stanza *s)
{
	const struct xml *x = stanza_child(s, "x", NS_MUC_USER);
	const struct xml *item = x ? xml_child(x, "item", NS_MUC_USER) : NULL;
	const char *nick = item ? xml_get(item, "nick") : NULL;

	if (!nick || !muc_user_has_status(s, "303"))
		return NULL;
	return jid_with_resource(s->from, nick);
}
