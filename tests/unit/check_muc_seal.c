/* check_muc_seal.c - what goes by a relay: only who has the key reads it, and
 * only as what it was. */

#include "base/buf.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "modules/muc/seal.h"
#include "unit.h"
#include "xmpp/jid.h"

#include <string.h>

static const uint8_t secret[RULES_SECRET_LEN] = "secret";
static const struct rules_env env = { .secret = secret };
static const char text[] = "<detach xmlns='urn:xmpp:tmp:dmuc:1'/>";
static struct jid *address, *domain, *other;
static struct room *room;
static struct seal seal;
static struct buf sealed;

static void
setup(void)
{
	address = jid_parse("den@rooms.a.example");
	domain = jid_parse("b.example");
	other = jid_parse("c.example");
	room = room_new(address, 0);
	seal_make_key(&seal, &env, room, domain);
	sealed = (struct buf){ 0 };
	seal_close(&sealed, &seal, address, domain, "up", 7, text,
		   strlen(text));
}

static void
teardown(void)
{
	buf_fini(&sealed);
	room_free(room);
	jid_unref(&address);
	jid_unref(&domain);
	jid_unref(&other);
}

static bool
opens(const struct seal *with, const struct jid *of, const char *about,
      const char *what)
{
	struct buf b = { 0 };
	uint64_t number = 0;
	bool is = seal_open(&b, &number, with, address, of, about, what);

	ck_assert(is || !b.len);
	if (is) {
		ck_assert_uint_eq(number, 7);
		ck_assert_uint_eq(b.len, strlen(text));
		ck_assert_mem_eq(b.data, text, b.len);
	}
	buf_fini(&b);
	return is;
}

START_TEST(who_has_the_key)
{
	struct seal another;

	ck_assert(opens(&seal, domain, "up", sealed.data));
	seal_make_key(&another, &env, room, other);
	ck_assert(!opens(&another, domain, "up", sealed.data));
	seal_make_key(&another, &env, room, domain);
	ck_assert(opens(&another, domain, "up", sealed.data));
}
END_TEST

START_TEST(as_what_it_was)
{
	struct jid *elsewhere = jid_parse("pit@rooms.a.example");
	struct buf b = { 0 };
	uint64_t number;

	ck_assert(!opens(&seal, other, "up", sealed.data));
	ck_assert(!opens(&seal, domain, "down", sealed.data));
	ck_assert(!seal_open(&b, &number, &seal, elsewhere, domain, "up",
			     sealed.data));
	jid_unref(&elsewhere);
}
END_TEST

START_TEST(nothing_else)
{
	size_t len = sealed.len;

	ck_assert(!opens(&seal, domain, "up", ""));
	ck_assert(!opens(&seal, domain, "up", "c2VhbGVk"));
	ck_assert(!opens(&seal, domain, "up", "no base64"));
	/* Each of its characters counts, but for padding. */
	for (size_t i = 0; i < len && sealed.data[i] != '='; i++) {
		char was = sealed.data[i];

		sealed.data[i] = was == 'A' ? 'B' : 'A';
		ck_assert(!opens(&seal, domain, "up", sealed.data));
		sealed.data[i] = was;
	}
	for (size_t i = len; i-- > 0;) {
		sealed.data[i] = '\0';
		ck_assert(!opens(&seal, domain, "up", sealed.data));
	}
}
END_TEST

START_TEST(keys_as_text)
{
	char key[SEAL_TEXT_LEN + 1];
	struct seal back;

	seal_write_key(&seal, key);
	ck_assert_uint_eq(strlen(key), SEAL_TEXT_LEN);
	ck_assert(seal_read_key(&back, key));
	ck_assert_mem_eq(back.key, seal.key, SEAL_KEY_LEN);
	key[3] = 'x';
	ck_assert(!seal_read_key(&back, key));
	ck_assert(!seal_read_key(&back, "00"));
	ck_assert(!seal_read_key(&back, ""));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("seal");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, who_has_the_key);
	tcase_add_test(tc, as_what_it_was);
	tcase_add_test(tc, nothing_else);
	tcase_add_test(tc, keys_as_text);
	return unit_run(tc);
}
