/* contact.c - one contact in the memory of a roster. */

#include "modules/roster/contact.h"

#include "base/mem.h"
#include "storage/roster.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

static char *
put(char *at, const char *s)
{
	size_t size = strlen(s) + 1;

	memcpy(at, s, size);
	return at + size;
}

struct contact *
contact_new(struct jid *jid, unsigned flags, const char *name,
	    const char *groups, const char *request)
{
	struct contact *c;
	char *at;

	name = name ? name : "";
	groups = groups ? groups : "";
	request = request ? request : "";
	c = mem_alloc(sizeof(*c) + strlen(name) + strlen(groups) +
		      strlen(request) + 3);
	c->jid = jid_ref(jid);
	c->flags = (uint8_t)flags;
	at = put(c->text, name);
	at = put(at, groups);
	put(at, request);
	return c;
}

struct contact *
contact_with_flags(const struct contact *c, struct jid *jid, unsigned flags,
		   const char *request)
{
	if (!(flags & ROSTER_PENDING_IN))
		request = NULL;
	else if (c && c->flags & ROSTER_PENDING_IN)
		request = contact_request(c);
	return contact_new(jid, flags, c ? contact_name(c) : NULL,
			   c ? contact_groups(c) : NULL, request);
}

void
contact_free(struct contact *c)
{
	if (!c)
		return;
	jid_unref(&c->jid);
	free(c);
}

const char *
contact_name(const struct contact *c)
{
	return c->text;
}

const char *
contact_groups(const struct contact *c)
{
	return c->text + strlen(c->text) + 1;
}

const char *
contact_request(const struct contact *c)
{
	const char *groups = contact_groups(c);

	return groups + strlen(groups) + 1;
}

static const char *
or_null(const char *s)
{
	return *s ? s : NULL;
}

void
contact_to_row(const struct contact *c, struct roster_row *row_out)
{
	*row_out = (struct roster_row){
		.jid = jid_str(c->jid),
		.name = or_null(contact_name(c)),
		.groups = or_null(contact_groups(c)),
		.request = or_null(contact_request(c)),
		.flags = c->flags,
	};
}

static const char *
subscription(unsigned flags)
{
	static const char *const words[] = {
		[0] = "none",
		[ROSTER_TO] = "to",
		[ROSTER_FROM] = "from",
		[ROSTER_TO | ROSTER_FROM] = "both",
	};

	return words[flags & (ROSTER_TO | ROSTER_FROM)];
}

static void
add_groups(struct arena *a, struct xml *item, const char *groups)
{
	while (*groups) {
		size_t len = strcspn(groups, "\n");

		xml_text_len(a, xml_add(a, item, "group", NULL), groups, len);
		groups += len;
		groups += *groups == '\n';
	}
}

void
contact_add_item(struct arena *a, struct xml *query,
		 const struct roster_row *row)
{
	struct xml *item = xml_add(a, query, "item", NULL);

	xml_set(a, item, "jid", row->jid);
	if (row->removed || !(row->flags & ROSTER_LISTED)) {
		xml_set(a, item, "subscription", "remove");
		return;
	}
	if (row->name)
		xml_set(a, item, "name", row->name);
	xml_set(a, item, "subscription", subscription(row->flags));
	if (row->flags & ROSTER_ASK)
		xml_set(a, item, "ask", "subscribe");
	if (row->flags & ROSTER_APPROVED)
		xml_set(a, item, "approved", "true");
	if (row->groups)
		add_groups(a, item, row->groups);
}
