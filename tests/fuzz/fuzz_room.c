/*
 * fuzz_room.c - what anybody sends to a room.
 *
 * The input is the inside of a stream. Stanzas are sent to the room in the
 * name of their `from`; other elements happen to it: <stored/>, <failed/>,
 * <crash n=''/>, <gone from=''/>, <lost from=''/>, <back from=''/>,
 * <later ms=''/>. What holds in every room has to hold after each of them.
 */

#include "base/arena.h"
#include "fuzz.h"
#include "modules/muc/rules.h"
#include "tests/unit/muc_play.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN                                    \
	"<stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define ROOM "den@rooms.example"
/* Only so much: what is slow is not what is looked for. */
#define MAX_ELEMENTS 64

static const struct xml_limits limits = {
	.stanza = 1 << 16,
	.token = 1 << 14,
	.depth = 30,
	.attrs = 30,
	.children = 200,
};

struct fuzz {
	struct play play;
	unsigned n;
};

static bool
is_remote(const struct jid *user)
{
	return !strcmp(jid_domain(user), "example.org");
}

/* Who the element says it is of, with a resource. */
static struct jid *
sender(const struct jid *from)
{
	if (!from || !jid_local(from))
		return jid_parse("romeo@example.net/orchard");
	return jid_resource(from) ? jid_parse(jid_str(from))
				  : jid_with_resource(from, "one");
}

static void
take_stanza(struct fuzz *f, struct stanza *s)
{
	const char *nick = s->to ? jid_resource(s->to) : NULL;
	struct jid *from = sender(s->from);
	struct jid *to = nick ? jid_with_resource(f->play.jid, nick)
			      : jid_ref(f->play.jid);

	if (from && to) {
		stanza_set_from(s, from);
		stanza_set_to(s, to);
		play_stanza(&f->play, from, s);
	}
	jid_unref(&from);
	jid_unref(&to);
}

static int
number(const struct xml *x, const char *name)
{
	const char *value = xml_get(x, name);

	return value ? atoi(value) : 0;
}

static void
submit(struct fuzz *f, const struct xml *x, enum submission_type type,
       bool is_away)
{
	const char *text = xml_get(x, "from");
	struct jid *from = text ? jid_parse(text) : NULL;

	if (from)
		play_submit(&f->play,
			    &(struct submission){ .type = type,
						  .from = from,
						  .code = 333,
						  .is_away = is_away });
	jid_unref(&from);
}

static void
take_time(struct fuzz *f, int ms)
{
	f->play.now_ms += ms % 1000000;
	if (f->play.now_ms < f->play.started_ms)
		f->play.now_ms = f->play.started_ms;
}

static void
take_element(struct fuzz *f, const struct xml *x)
{
	int n = number(x, "n");

	if (!strcmp(x->name, "stored"))
		play_stored(&f->play, COND_NONE);
	else if (!strcmp(x->name, "failed"))
		play_stored(&f->play, COND_RESOURCE_CONSTRAINT);
	else if (!strcmp(x->name, "crash"))
		play_crash(&f->play, n > 0 ? (size_t)n : 0);
	else if (!strcmp(x->name, "gone"))
		submit(f, x, SUBMIT_GONE, false);
	else if (!strcmp(x->name, "lost"))
		submit(f, x, SUBMIT_LINK, true);
	else if (!strcmp(x->name, "back"))
		submit(f, x, SUBMIT_LINK, false);
	else if (!strcmp(x->name, "later"))
		take_time(f, number(x, "ms"));
}

static bool
on_element(void *user, struct arena *a, struct xml *x)
{
	struct fuzz *f = user;
	struct stanza *s;

	if (f->n++ >= MAX_ELEMENTS) {
		arena_unref(&a);
		return true;
	}
	s = stanza_from_xml(a, x, NS_CLIENT);
	if (s) {
		take_stanza(f, s);
		stanza_unref(&s);
	} else {
		take_element(f, x);
		arena_unref(&a);
	}
	if (f->play.wrong) {
		fprintf(stderr, "element %u: %s\n", f->n, f->play.wrong);
		abort();
	}
	return true;
}

static bool
on_open(void *user, struct arena *a, struct xml *header, const char *default_ns)
{
	(void)user;
	(void)header;
	(void)default_ns;
	arena_unref(&a);
	return true;
}

static void
on_close(void *user)
{
	(void)user;
}

static const struct xml_handler handler = { on_open, on_element, on_close };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[RULES_SECRET_LEN] = "secret";
	struct xml_pool *pool = xml_pool_new();
	struct fuzz f = { .n = 0 };
	struct xml_parser *parser = xml_parser_new(pool, &handler, &f, &limits);
	struct jid *room = jid_parse(ROOM),
		   *admin = jid_parse("admin@example.net");

	play_init(&f.play, room);
	f.play.env = (struct rules_env){
		.secret = secret,
		.presence_max = 1024,
		.vcard_max = 1024,
		.occupants_max = 6,
		.affiliations_max = 8,
		.history_max = 10,
	};
	f.play.admin = admin;
	f.play.is_remote = is_remote;
	f.play.now_ms = INT64_C(1700000000000);
	xml_parser_feed(parser, OPEN, strlen(OPEN));
	xml_parser_feed(parser, (const char *)data, size);
	play_settle(&f.play);
	play_fini(&f.play);
	if (f.play.wrong) {
		fprintf(stderr, "at the end: %s\n", f.play.wrong);
		abort();
	}
	jid_unref(&room);
	jid_unref(&admin);
	xml_parser_free(parser);
	xml_pool_free(pool);
	return 0;
}
