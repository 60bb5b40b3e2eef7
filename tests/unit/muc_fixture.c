/* muc_fixture.c - options of rooms in tests. */

#include "muc_fixture.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct arena *fix_arena;
struct muc_config fix_plain;

static struct buf out;

void
fix_setup(void)
{
	fix_arena = arena_new();
	muc_config_init(&fix_plain, PRESET_TEMPORARY);
}

void
fix_teardown(void)
{
	muc_config_fini(&fix_plain);
	arena_unref(&fix_arena);
	buf_fini(&out);
}

const char fix_all_set[] = "name=The den \\\\ a=b\n"
			   "description=Two words\n"
			   "lang=de\n"
			   "archive=1\n"
			   "logging=1\n"
			   "logs=https://x.example/logs\n"
			   "change-subject=0\n"
			   "invites=0\n"
			   "private-messages=moderators\n"
			   "queries=0\n"
			   "max-users=77\n"
			   "presence-broadcast=moderator\n"
			   "get-members=moderator participant\n"
			   "public=0\n"
			   "persistent=1\n"
			   "moderated=1\n"
			   "visitor-nick=0\n"
			   "visitor-status=0\n"
			   "voice-requests=0\n"
			   "members-only=1\n"
			   "password= two\\nlines \n"
			   "whois=anyone\n"
			   "history=7\n"
			   "slow-mode=20\n"
			   "hats=1\n"
			   "pubsub=xmpp:p.example?;node=n\n"
			   "contacts=a@x.example\\nb@x.example\n"
			   "avatar=a31c b31c\n"
			   "split=continue\n"
			   "distribute=listed\n"
			   "copies=x.example\\ny.x.example\n";

void
fix_read(struct muc_config *c, const char *text)
{
	struct err err = { "" };

	ck_assert_msg(muc_config_from_text(c, text, strlen(text), &err) == 0,
		      "%s", err.text);
}

const char *
fix_text(const struct muc_config *c)
{
	struct buf b = { 0 };
	const char *text;

	muc_config_to_text(c, &b);
	text = arena_strndup(fix_arena, b.data, b.len);
	buf_fini(&b);
	return text;
}

/* What of the text of `now` is not in that of `old`: lines, and -name where an
 * option has gone. */
const char *
fix_changes(const struct muc_config *old, const struct muc_config *now)
{
	const char *before = fix_text(old), *after = fix_text(now), *end, *line;
	char name[64];

	buf_fini(&out);
	buf_add(&out, "", 0);
	for (; *after; after = end + 1) {
		end = strchr(after, '\n');
		line = arena_strndup(fix_arena, after,
				     (size_t)(end - after + 1));
		if (!strstr(before, line))
			buf_adds(&out, line);
	}
	after = fix_text(now);
	for (; *before; before = end + 1) {
		end = strchr(before, '\n');
		snprintf(name, sizeof(name), "%.*s=", (int)strcspn(before, "="),
			 before);
		if (!strstr(after, name))
			buf_printf(&out, "-%.*s\n", (int)strcspn(name, "="),
				   name);
	}
	return out.data;
}

unsigned
fix_draw(unsigned below)
{
	static uint64_t state = 5;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

/* Whatever was read can be written, and is the same when it is read again. */
void
fix_check_sound(const struct muc_config *c)
{
	struct muc_config again;
	const char *text = fix_text(c);

	fix_read(&again, text);
	ck_assert(muc_config_eq(c, &again));
	muc_config_fini(&again);
	ck_assert_int_le(c->whois, WHOIS_ANYONE);
	ck_assert_int_le(c->allow_pm, PM_NONE);
	ck_assert_int_le(c->split, SPLIT_CONTINUE);
	ck_assert_int_le(c->distribute, DISTRIBUTE_LISTED);
	ck_assert_uint_eq(c->presence_broadcast & ~0xeu, 0);
	ck_assert_uint_eq(c->get_members & ~0xeu, 0);
	ck_assert_int_ge(c->max_users, 0);
	ck_assert_int_ge(c->history, 0);
	ck_assert_int_ge(c->slow_mode_s, 0);
	ck_assert(!c->name || (*c->name && strlen(c->name) <= 256));
	ck_assert(!c->password || *c->password);
}
