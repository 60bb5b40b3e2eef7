/* rooms.c - rooms (XEP-0045) in one line, for dialogues that are about
 * something else than entering and creating them. */

#include "base/buf.h"
#include "base/mem.h"
#include "client.h"
#include "dialogue.h"
#include "play.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

#define MUC "http://jabber.org/protocol/muc"

/* What comes from here on is an echo of this statement, and nothing else. */
static void
begin(struct play *p)
{
	pump_all(p);
	list_each (n, &p->clients)
		expect_nothing(p, container_of(n, struct client, node));
}

static void
forget_echoes(struct play *p)
{
	list_each (n, &p->clients)
		forget(container_of(n, struct client, node));
}

static void
send_stanza(struct play *p, struct client *c, const struct buf *text)
{
	client_send(c, text->data, text->len);
	pump_all(p);
}

static bool
has_status(const struct xml *presence, const char *code)
{
	const struct xml *x = xml_child(presence, "x", MUC "#user");

	if (!x)
		return false;
	xml_each (kid, x) {
		const char *have = xml_get(kid, "code");

		if (!strcmp(kid->name, "status") && have && !strcmp(have, code))
			return true;
	}
	return false;
}

static bool
is_own_presence(const struct xml *x)
{
	return xml_is(x, "presence", NS_CLIENT) && !xml_get(x, "type") &&
	       has_status(x, "110");
}

static bool
is_result(const struct xml *x)
{
	const char *type = xml_get(x, "type");

	return xml_is(x, "iq", NS_CLIENT) && type && !strcmp(type, "result");
}

static void
expect_one(struct play *p, struct client *c, bool (*is_it)(const struct xml *),
	   const char *what)
{
	list_each (n, &c->incoming) {
		struct incoming *in = container_of(n, struct incoming, node);

		if (in->xml && is_it(in->xml)) {
			forget_echoes(p);
			return;
		}
	}
	fail(p, "%s does not get %s", c->name, what);
}

static void
enter(struct play *p, struct client *c, const char *room, const char *nick)
{
	struct buf b = { 0 };

	if (c->fd < 0)
		fail(p, "%s is not connected", c->name);
	begin(p);
	buf_printf(&b, "<presence to='%s/%s'><x xmlns='" MUC "'/></presence>",
		   room, nick);
	send_stanza(p, c, &b);
	buf_fini(&b);
	expect_one(p, c, is_own_presence, "into the room");
}

/* ---- the body of `room`: NAME = VALUE ---- */

struct setting {
	char *name, *value; /* owned; name NULL: there is no more */
};

static struct setting
next_setting(struct play *p, const char **text)
{
	struct setting s = { NULL, NULL };
	size_t len = strcspn(*text, "\n");
	const char *is = strstr(*text, " = ");

	if (!len)
		return s;
	if (!is || is > *text + len)
		fail(p, "a room's body is lines like persistentroom = 1");
	s.name = mem_strndup(*text, (size_t)(is - *text));
	is += strlen(" = ");
	s.value = mem_strndup(is, (size_t)(*text + len - is));
	*text += len + ((*text)[len] == '\n');
	return s;
}

static void
setting_fini(struct setting *s)
{
	free(s->name);
	free(s->value);
}

static bool
is_affiliation(const char *name)
{
	static const char *const all[] = { "owner", "admin", "member",
					   "outcast" };

	for (size_t i = 0; i < N_ELEMENTS(all); i++) {
		if (!strcmp(name, all[i]))
			return true;
	}
	return false;
}

/* Lines of the same name, one behind the other, are one field. */
static void
add_fields(struct play *p, struct buf *out)
{
	const char *text = p->at->body;
	char *last = mem_strdup("");
	struct setting s;

	while ((s = next_setting(p, &text)).name) {
		if (!is_affiliation(s.name)) {
			if (strcmp(last, s.name) != 0)
				buf_printf(out, "%s<field var='%s%s'>",
					   *last ? "</field>" : "",
					   strpbrk(s.name, "#{")
						   ? ""
						   : "muc#roomconfig_",
					   s.name);
			buf_printf(out, "<value>%s</value>", s.value);
			free(last);
			last = mem_strdup(s.name);
		}
		setting_fini(&s);
	}
	buf_adds(out, *last ? "</field>" : "");
	free(last);
}

static void
configure(struct play *p, struct client *c, const char *room)
{
	struct buf b = { 0 };

	buf_printf(&b,
		   "<iq to='%s' type='set' id='room-config'>"
		   "<query xmlns='" MUC "#owner'>"
		   "<x xmlns='jabber:x:data' type='submit'>",
		   room);
	if (*p->at->body)
		buf_adds(&b, "<field var='FORM_TYPE'><value>" MUC
			     "#roomconfig</value></field>");
	add_fields(p, &b);
	buf_adds(&b, "</x></query></iq>");
	send_stanza(p, c, &b);
	buf_fini(&b);
	expect_one(p, c, is_result, "its room configured");
}

static void
set_affiliations(struct play *p, struct client *c, const char *room)
{
	const char *text = p->at->body;
	struct setting s;

	while ((s = next_setting(p, &text)).name) {
		struct buf b = { 0 };

		if (is_affiliation(s.name)) {
			buf_printf(&b,
				   "<iq to='%s' type='set' id='room-list'>"
				   "<query xmlns='" MUC "#admin'>"
				   "<item affiliation='%s' jid='%s'/>"
				   "</query></iq>",
				   room, s.name, s.value);
			send_stanza(p, c, &b);
			expect_one(p, c, is_result, "an affiliation set");
		}
		buf_fini(&b);
		setting_fini(&s);
	}
}

/* ---- statements ---- */

/* as NICK: the words from there on; else the client's name is its nick. */
static const char *
nick(struct play *p, size_t from, const struct client *c)
{
	if (!*word(p, from))
		return c->name;
	if (strcmp(word(p, from), "as") != 0 || !*word(p, from + 1))
		fail(p, "as which nick?");
	return word(p, from + 1);
}

bool
room_statement(struct play *p)
{
	struct client *c;

	if (!strcmp(word(p, 0), "room") && !strcmp(word(p, 2), "of")) {
		c = make_client(p, word(p, 3));
		enter(p, c, word(p, 1), nick(p, 4, c));
		configure(p, c, word(p, 1));
		set_affiliations(p, c, word(p, 1));
		return true;
	}
	if (strcmp(word(p, 1), "enters") != 0)
		return false;
	c = make_client(p, word(p, 0));
	enter(p, c, word(p, 2), nick(p, 3, c));
	return true;
}
