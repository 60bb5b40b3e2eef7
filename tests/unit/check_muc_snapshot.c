/* check_muc_snapshot.c - a room as it is, for who has nothing of it. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/chunk.h"
#include "base/err.h"
#include "modules/muc/entry.h"
#include "modules/muc/envelope.h"
#include "modules/muc/info.h"
#include "modules/muc/pseudonym.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/snapshot.h"
#include "unit.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ROOMS 300

static const uint8_t secret[RULES_SECRET_LEN] = "secret";
static const struct rules_env env = { .secret = secret };
static struct xml_pool *pool;
static struct jid *jid;
static uint64_t state;

/* splitmix64 */
static unsigned
number(unsigned n)
{
	uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((x ^ x >> 31) >> 33) % n;
}

static void
setup(void)
{
	pool = xml_pool_new();
	jid = jid_parse("den@rooms.a.example");
}

static void
teardown(void)
{
	jid_unref(&jid);
	xml_pool_free(pool);
}

/* ---- a room at random ---- */

static void
apply(struct room *r, const struct entry *from)
{
	struct entry *e = entry_new(from);

	if (room_can_apply(r, e))
		room_apply(r, e, NULL);
	entry_unref(&e);
}

static struct jid *
any_user(bool is_bare)
{
	char name[60];

	snprintf(name, sizeof(name), "u%u@%c.example%s", number(6),
		 'b' + (int)number(3),
		 is_bare     ? ""
		 : number(2) ? "/x"
			     : "/y");
	return jid_parse(name);
}

static const char *
any_nick(void)
{
	static const char *const nicks[] = { "Ann", "B'n", "C & <D>", "Dän" };

	return nicks[number(4)];
}

static struct chunk *
any_payload(void)
{
	static const char *const all[] = {
		">", "><show>dnd</show>", "><status>a &lt; b</status>",
		" xml:lang='de'><c xmlns='urn:c' v='1'/>"
	};
	const char *one = all[number(4)];

	return chunk_copy(one, strlen(one));
}

static struct chunk *
any_message(size_t size)
{
	struct buf b = { 0 };

	buf_printf(&b,
		   " from='den@rooms.a.example/x' id='i%u' "
		   "type='groupchat'><body>",
		   number(1000));
	for (size_t i = 0; i < size; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "</body></message>");
	return buf_to_chunk(&b);
}

static void
change(struct room *r, int64_t id)
{
	static const enum entry_type types[] = {
		ENTRY_JOIN,  ENTRY_JOIN, ENTRY_JOIN,	ENTRY_PRESENCE,
		ENTRY_LEAVE, ENTRY_NICK, ENTRY_ROLE,	ENTRY_AFFILIATION,
		ENTRY_LINK,  ENTRY_LINK, ENTRY_MESSAGE, ENTRY_SUBJECT,
	};
	enum entry_type type = types[number(N_ELEMENTS(types))];
	bool is_said = type == ENTRY_MESSAGE || type == ENTRY_SUBJECT;
	struct entry e = {
		.type = type,
		.stamp_ms = 1000 * id,
		.archive_id = is_said ? id : 0,
		.nick = any_nick(),
		.new_nick = any_nick(),
		.occupant_id = "x",
		.affiliation = (enum affiliation)number(4),
		.role = (enum role)(1 + number(3)),
		.is_away = number(3) > 0,
	};

	e.jid = type == ENTRY_LINK
			? jid_parse(number(2) ? "b.example" : "c.example")
			: any_user(type == ENTRY_AFFILIATION);
	e.payload =
		is_said ? any_message(number(20) ? 10 : 30000) : any_payload();
	apply(r, &e);
	jid_unref(&e.jid);
	chunk_unref(&e.payload);
}

static struct room *
any_room(void)
{
	struct room *r = room_new(jid, 0);
	unsigned n = number(120);

	if (number(2))
		r->config.name = mem_strdup("Den & <co>");
	if (number(3) == 0)
		r->config.password = mem_strdup("open");
	r->config.is_moderated = number(2);
	r->config.history = (int)number(30);
	for (unsigned i = 1; i <= n; i++)
		change(r, i);
	return r;
}

/* ---- and its copy ---- */

struct reading {
	struct room *copy;
	unsigned parts;
	bool is_done;
};

static void
take_part(void *data, const struct buf *xml, unsigned part, bool is_last)
{
	struct reading *reading = data;
	struct arena *a = arena_new();
	struct buf b = { 0 };
	struct xml *x;

	ck_assert_uint_eq(part, ++reading->parts);
	ck_assert(!reading->is_done);
	reading->is_done = is_last;
	buf_printf(&b, "<snapshot xmlns='urn:xmpp:tmp:dmuc:1'>%.*s</snapshot>",
		   (int)xml->len, xml->data ? xml->data : "");
	x = xml_from_text(pool, a, b.data, b.len);
	ck_assert_ptr_nonnull(x);
	ck_assert(xml->len <= ENVELOPE_MAX || x->n_kids == 1);
	xml_each (kid, x) {
		struct err err = { 0 };
		struct entry *e = envelope_read_entry(jid, kid, &err);

		ck_assert_msg(e, "%s", err.text);
		ck_assert_msg(room_can_apply(reading->copy, e),
			      "%s does not fit", entry_type_name(e->type));
		room_apply(reading->copy, e, NULL);
		entry_unref(&e);
	}
	buf_fini(&b);
	arena_unref(&a);
}

static void
compare_lists(const struct room *r, const struct room *copy)
{
	size_t n = 0, n_copy = 0;

	affiliations_each (item, &r->affiliations) {
		struct jid *who = pseudonym_of(&env, r, item->jid);

		if (!strcmp(jid_domain(item->jid), "b.example")) {
			n++;
			ck_assert_int_eq(
				affiliations_get(&copy->affiliations, who),
				item->affiliation);
		}
		jid_unref(&who);
	}
	affiliations_each (item, &copy->affiliations)
		n_copy += item != NULL;
	ck_assert_uint_eq(n, n_copy);
}

START_TEST(same_room)
{
	struct reading reading = { room_new(jid, 0), 0, false };
	struct envelope to = { .env = &env, .domain = "b.example" };
	struct room *r;

	state = (uint64_t)_i;
	to.room = r = any_room();
	reading.copy->is_copy = true;
	snapshot_write(&to, take_part, &reading);
	ck_assert(reading.is_done);
	ck_assert_uint_eq(reading.copy->n_occupants, r->n_occupants);
	ck_assert_uint_eq(reading.copy->sessions.n, r->sessions.n);
	ck_assert_uint_eq(reading.copy->n_history, r->n_history);
	for (size_t i = 0; i < r->n_history; i++)
		ck_assert(room_same_payload(reading.copy->history[i]->payload,
					    r->history[i]->payload));
	compare_lists(r, reading.copy);
	ck_assert_uint_eq(snapshot_digest(r, &env),
			  snapshot_digest(reading.copy, NULL));
	ck_assert_uint_eq(info_digest(r, NULL),
			  info_digest(reading.copy, NULL));
	room_free(reading.copy);
	room_free(r);
}
END_TEST

/* Whatever its users see changes the digest. */
START_TEST(digest)
{
	struct room *r = room_new(jid, 0);
	struct jid *user = jid_parse("u@b.example/x");
	struct jid *domain = jid_parse("b.example");
	struct chunk *payload = chunk_copy("><show>away</show>", 18);
	const struct entry steps[] = {
		{ .type = ENTRY_JOIN,
		  .jid = user,
		  .nick = "Ann",
		  .role = ROLE_PARTICIPANT },
		{ .type = ENTRY_PRESENCE, .jid = user, .payload = payload },
		{ .type = ENTRY_ROLE, .nick = "Ann", .role = ROLE_VISITOR },
		{ .type = ENTRY_ROLE,
		  .nick = "Ann",
		  .role = ROLE_VISITOR,
		  .affiliation = AFFILIATION_MEMBER },
		{ .type = ENTRY_NICK, .nick = "Ann", .new_nick = "Bea" },
		{ .type = ENTRY_LINK, .jid = domain, .is_away = true },
		{ .type = ENTRY_SUBJECT, .stamp_ms = 5, .payload = payload },
		{ .type = ENTRY_LEAVE, .jid = user, .nick = "Bea" },
	};
	uint64_t before = snapshot_digest(r, &env), now;

	for (size_t i = 0; i < N_ELEMENTS(steps); i++) {
		apply(r, &steps[i]);
		now = snapshot_digest(r, &env);
		ck_assert_msg(now != before, "not by %s",
			      entry_type_name(steps[i].type));
		before = now;
	}
	r->config.is_moderated = !r->config.is_moderated;
	ck_assert_uint_ne(snapshot_digest(r, &env), before);
	room_free(r);
	chunk_unref(&payload);
	jid_unref(&domain);
	jid_unref(&user);
}
END_TEST

/* What the room says about itself does, too, and the service's limits. */
START_TEST(info)
{
	struct room *r = room_new(jid, 0);
	struct jid *user = jid_parse("u@b.example/x");
	struct muc_limits above = { .max_history = 20 },
			  below = { .max_history = 10 };
	uint64_t before = info_digest(r, NULL), now;

	ck_assert_int_eq(r->config.history, 20);
	ck_assert_uint_eq(info_digest(r, &above), before);
	ck_assert_uint_ne(info_digest(r, &below), before);
	apply(r, &(struct entry){ .type = ENTRY_JOIN,
				  .jid = user,
				  .nick = "Ann",
				  .role = ROLE_PARTICIPANT });
	ck_assert_uint_eq(info_digest(r, NULL), before);
	r->config.is_members_only = !r->config.is_members_only;
	now = info_digest(r, NULL);
	ck_assert_uint_ne(now, before);
	r->config.name = mem_strdup("Den");
	before = info_digest(r, NULL);
	ck_assert_uint_ne(now, before);
	r->config.contacts = mem_strdup("a@b.example\nc@b.example");
	ck_assert_uint_ne(info_digest(r, NULL), before);
	room_free(r);
	jid_unref(&user);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("muc_snapshot");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, same_room, 0, N_ROOMS);
	tcase_add_test(tc, digest);
	tcase_add_test(tc, info);
	return unit_run(tc);
}
