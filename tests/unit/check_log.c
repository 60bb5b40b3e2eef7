/* check_log.c - one line, one fact, and nobody else's words for it. */

#include "base/log.h"

#include "base/clock.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char got[8192];
static int n_lines;

static const struct log who = { "example.net", "c2s-41", "romeo@example.net" };

static void
on_line(const char *line, void *data)
{
	(void)data;
	ck_assert_uint_lt(strlen(line), sizeof(got));
	strcpy(got, line);
	n_lines++;
}

static void
setup(void)
{
	got[0] = '\0';
	n_lines = 0;
	log_capture(on_line, NULL);
	log_set_level(LOG_DEBUG);
	log_set_format(LOG_TEXT);
	log_set_systemd(true);
}

static void
teardown(void)
{
	log_capture(NULL, NULL);
}

START_TEST(as_text)
{
	log_info(&who, "authenticated mech=%s", "PLAIN");
	ck_assert_str_eq(got, "<6>info example.net c2s-41 romeo@example.net: "
			      "authenticated mech=PLAIN\n");
	log_warn(&((struct log){ .host = "example.net" }), "slow");
	ck_assert_str_eq(got, "<4>warn example.net: slow\n");
	log_error(NULL, "disk full");
	ck_assert_str_eq(got, "<3>error: disk full\n");
	log_debug(NULL, "%d", 7);
	ck_assert_str_eq(got, "<7>debug: 7\n");
}
END_TEST

/* Outside systemd, a line starts with the time. */
START_TEST(text_has_time)
{
	const char *end;
	int64_t ms;
	char stamp[64];

	log_set_systemd(false);
	log_info(NULL, "started");
	end = strchr(got, ' ');
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end, " info: started\n");
	snprintf(stamp, sizeof(stamp), "%.*s", (int)(end - got), got);
	ck_assert_int_eq(clock_parse_stamp(stamp, &ms), 0);
}
END_TEST

START_TEST(level)
{
	log_set_level(LOG_WARN);
	ck_assert(log_is_on(LOG_WARN));
	ck_assert(!log_is_on(LOG_INFO));
	log_info(NULL, "no");
	log_debug(NULL, "no");
	ck_assert_int_eq(n_lines, 0);
	log_warn(NULL, "yes");
	ck_assert_int_eq(n_lines, 1);
}
END_TEST

START_TEST(level_words)
{
	enum log_level l;

	ck_assert_int_eq(log_parse_level("error", &l), 0);
	ck_assert_int_eq(l, LOG_ERROR);
	ck_assert_int_eq(log_parse_level("debug", &l), 0);
	ck_assert_int_eq(l, LOG_DEBUG);
	ck_assert_int_lt(log_parse_level("INFO", &l), 0);
	ck_assert_int_lt(log_parse_level("", &l), 0);
}
END_TEST

/* What a peer sends cannot start a line, nor talk to a terminal. */
static const struct {
	const char *in, *text, *json;
} hostile[] = {
	{ "a\n<3>error: b", "a?<3>error: b", "a\\u000a<3>error: b" },
	{ "a\r\nb", "a??b", "a\\u000d\\u000ab" },
	{ "\x1b[2J", "?[2J", "\\u001b[2J" },
	{ "\x7f", "?", "\\u007f" },
	{ "\xc2\x9b"
	  "2J",
	  "?2J", "\\u009b2J" }, /* CSI in one character */
	{ "\"}", "\"}", "\\\"}" },
	{ "\\u0000", "\\u0000", "\\\\u0000" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xff|\xc3", "\xef\xbf\xbd|\xef\xbf\xbd",
	  "\xef\xbf\xbd|\xef\xbf\xbd" },
};

START_TEST(text_is_clean)
{
	char want[128];
	struct log peer = { .jid = hostile[_i].in };

	log_info(NULL, "%s", hostile[_i].in);
	snprintf(want, sizeof(want), "<6>info: %s\n", hostile[_i].text);
	ck_assert_str_eq(got, want);

	log_info(&peer, "x");
	snprintf(want, sizeof(want), "<6>info %s: x\n", hostile[_i].text);
	ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(json_is_clean)
{
	char want[128];
	struct log peer = { .jid = hostile[_i].in };
	const char *tail;

	log_set_format(LOG_JSON);
	log_warn(&peer, "%s", hostile[_i].in);
	tail = strstr(got, "\"level\"");
	ck_assert_ptr_nonnull(tail);
	snprintf(want, sizeof(want),
		 "\"level\":\"warn\",\"jid\":\"%s\",\"message\":\"%s\"}\n",
		 hostile[_i].json, hostile[_i].json);
	ck_assert_str_eq(tail, want);
}
END_TEST

START_TEST(as_json)
{
	int64_t ms;
	char stamp[64];
	int end = 0;

	log_set_format(LOG_JSON);
	log_info(&who, "bound");
	ck_assert_int_eq(sscanf(got, "{\"time\":\"%40[^\"]\",%n", stamp, &end),
			 1);
	ck_assert_int_eq(clock_parse_stamp(stamp, &ms), 0);
	ck_assert_str_eq(got + end,
			 "\"level\":\"info\",\"host\":\"example.net\","
			 "\"stream\":\"c2s-41\",\"jid\":\"romeo@example.net\","
			 "\"message\":\"bound\"}\n");
}
END_TEST

/* A long message is cut, also in the middle of a character, and still one
 * good line. */
START_TEST(long_is_cut)
{
	char *text = mem_alloc(10001);

	for (int i = 0; i < 10000; i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	text[10000] = '\0';
	log_info(NULL, "%s", text);
	ck_assert_uint_lt(strlen(got), 4096);
	ck_assert_int_eq(got[strlen(got) - 1], '\n');
	ck_assert_str_eq(got + strlen(got) - 4, "\xef\xbf\xbd\n");
	free(text);
}
END_TEST

static int
allowed(struct log_limit *limit, int n, int64_t now_ms)
{
	int n_allowed = 0;

	while (n-- > 0)
		n_allowed += log_limit_allows(limit, now_ms);
	return n_allowed;
}

/* A burst, then a few a second; what was left out is told once. */
START_TEST(limit)
{
	struct log_limit lim = { 0 };
	int64_t now = 5000000;

	ck_assert_int_eq(allowed(&lim, LOG_LIMIT_BURST, now), LOG_LIMIT_BURST);
	log_limit_tell(&lim, NULL);
	ck_assert_int_eq(n_lines, 0);
	ck_assert_int_eq(allowed(&lim, 7, now), 0);
	now += 1000;
	ck_assert_int_eq(allowed(&lim, LOG_LIMIT_PER_SECOND + 5, now),
			 LOG_LIMIT_PER_SECOND);
	log_limit_tell(&lim, NULL);
	ck_assert_str_eq(
		got,
		"<6>info: left out: 12 lines about peers that misbehave\n");
	log_limit_tell(&lim, NULL);
	ck_assert_int_eq(n_lines, 1);
	/* Quiet for long makes no more than one burst. */
	now += 3600000;
	ck_assert_int_eq(allowed(&lim, 2 * LOG_LIMIT_BURST, now),
			 LOG_LIMIT_BURST);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, as_text);
	tcase_add_test(tc, text_has_time);
	tcase_add_test(tc, level);
	tcase_add_test(tc, level_words);
	tcase_add_loop_test(tc, text_is_clean, 0, N_ELEMENTS(hostile));
	tcase_add_loop_test(tc, json_is_clean, 0, N_ELEMENTS(hostile));
	tcase_add_test(tc, as_json);
	tcase_add_test(tc, long_is_cut);
	tcase_add_test(tc, limit);
	return unit_run(tc);
}
