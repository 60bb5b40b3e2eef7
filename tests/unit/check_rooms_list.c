/* check_rooms_list.c - the rooms of a service, in pages. */

#include "storage/rooms.h"

#include "storage/kinds.h"
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "rooms.example.net"
#define ROOM	"room@" SERVICE
#define OTHER	"other@" SERVICE
#define ROMEO	"romeo@example.net"
#define JULIET	"juliet@example.net"

static struct fixture f;

static void
save(const struct room_row *row)
{
	struct outcome o = { 0 };

	rooms_save(f.store, row, outcome_set, &o);
	outcome_expect(&f, &o, STORE_OK);
}

static const char *
or_dash(const char *s)
{
	return s ? s : "-";
}

struct list {
	int calls;
	char jids[1024]; /* without the service: "a b c" */
	size_t n;
	int64_t count, index;
	bool is_complete;
	struct room_row last; /* without its text */
	char name[64];	      /* of the last */
};

static void
on_list(void *data, const struct rooms_list_result *res)
{
	struct list *l = data;

	ck_assert_int_eq(res->res.status, STORE_OK);
	l->calls++;
	l->n = res->n_rows;
	l->count = res->count;
	l->index = res->index;
	l->is_complete = res->is_complete;
	for (size_t i = 0; i < res->n_rows; i++) {
		const struct room_row *row = &res->rows[i];
		size_t len = strlen(l->jids);

		if (len + 64 < sizeof(l->jids))
			snprintf(l->jids + len, sizeof(l->jids) - len, "%s%.*s",
				 i ? " " : "", (int)strcspn(row->jid, "@"),
				 row->jid);
		l->last = *row;
		snprintf(l->name, sizeof(l->name), "%s", or_dash(row->name));
	}
}

static struct list
list(struct rooms_query q)
{
	struct list l = { 0 };

	if (!q.service)
		q.service = SERVICE;
	rooms_list(f.store, &q, on_list, &l);
	fixture_settle(&f);
	ck_assert_int_eq(l.calls, 1);
	return l;
}

static void
fill_list(void)
{
	static const struct {
		const char *local, *name;
		bool is_public;
	} rooms[] = {
		{ "garden", "Capulet's Orchard", true },
		{ "gate", NULL, true },
		{ "a-b", "A Hall", true },
		{ "a", NULL, false },
		{ "hall", "The hall", true },
		{ "vault", "Secret HALL", false },
		{ "zoo", NULL, true },
	};

	for (size_t i = 0; i < N_ELEMENTS(rooms); i++) {
		char *jid = mem_printf("%s@%s", rooms[i].local, SERVICE);

		save(&(struct room_row){ .jid = jid,
					 .name = rooms[i].name,
					 .config = "",
					 .is_public = rooms[i].is_public,
					 .is_persistent = true,
					 .created_ms = 7,
					 .used_ms = 8 });
		free(jid);
	}
	save(&(struct room_row){
		.jid = "b@elsewhere", .config = "", .is_public = true });
}

START_TEST(lists_in_pages)
{
	struct rooms_query q = { .max = 3, .only_public = true };
	struct list l;

	fixture_open(&f, _i);
	ck_assert_uint_eq(list(q).n, 0);
	ck_assert(list(q).is_complete);
	fill_list();
	l = list(q);
	ck_assert_str_eq(l.jids, "a-b garden gate");
	ck_assert_int_eq(l.count, 5);
	ck_assert_int_eq(l.index, 0);
	ck_assert(!l.is_complete);
	q.after = "gate@" SERVICE;
	l = list(q);
	ck_assert_str_eq(l.jids, "hall zoo");
	ck_assert_int_eq(l.index, 3);
	ck_assert(l.is_complete);
	q.after = "gatf"; /* is not there, or not any more */
	ck_assert_str_eq(list(q).jids, "hall zoo");
	q.after = "zoo@" SERVICE;
	l = list(q);
	ck_assert_uint_eq(l.n, 0);
	ck_assert_int_eq(l.index, -1);
	ck_assert_int_eq(l.count, 5);

	q = (struct rooms_query){ .max = 2, .is_backwards = true };
	l = list(q);
	ck_assert_str_eq(l.jids, "vault zoo");
	ck_assert_int_eq(l.index, 5);
	ck_assert_int_eq(l.count, 7);
	ck_assert(!l.is_complete);
	q.before = "garden@" SERVICE;
	l = list(q);
	ck_assert_str_eq(l.jids, "a-b a"); /* '-' is less than '@' */
	ck_assert(l.is_complete);

	l = list((struct rooms_query){ .max = 100 });
	ck_assert_uint_eq(l.n, 7);
	ck_assert(l.is_complete);
	l = list((struct rooms_query){ .max = 0 });
	ck_assert_uint_eq(l.n, 0);
	ck_assert_int_eq(l.count, 7);
	ck_assert(!l.is_complete);

	l = list((struct rooms_query){ .max = 1, .prefix = "garden" });
	ck_assert_str_eq(l.name, "Capulet's Orchard");
	ck_assert(l.last.is_public && l.last.is_persistent);
	ck_assert_int_eq(l.last.created_ms, 7);
	ck_assert_int_eq(l.last.used_ms, 8);
}
END_TEST

START_TEST(finds_by_prefix)
{
	struct rooms_query q = { .max = 10, .prefix = "ga" };
	struct list l;

	fixture_open(&f, _i);
	fill_list();
	l = list(q);
	ck_assert_str_eq(l.jids, "garden gate");
	ck_assert_int_eq(l.count, 2);
	ck_assert_int_eq(l.index, 0);
	ck_assert(l.is_complete);
	q.after = "garden@" SERVICE;
	l = list(q);
	ck_assert_str_eq(l.jids, "gate");
	ck_assert_int_eq(l.count, 2);
	ck_assert_int_eq(l.index, 1);
	q.after = "a";
	q.before = "gate@" SERVICE;
	ck_assert_str_eq(list(q).jids, "garden");
	q.before = "b";
	ck_assert_uint_eq(list(q).n, 0);
	q = (struct rooms_query){ .max = 10, .prefix = "a" };
	ck_assert_str_eq(list(q).jids, "a-b a");
	q.only_public = true;
	ck_assert_str_eq(list(q).jids, "a-b");
	ck_assert_int_eq(list(q).count, 1);
	q.prefix = "%";
	ck_assert_uint_eq(list(q).n, 0);
}
END_TEST

START_TEST(counts_so_far_only)
{
	enum { N = 5002 };
	struct rooms_query q = { .max = 1, .prefix = "r" };
	struct outcome o = { 0 };
	struct list l;

	fixture_open(&f, _i);
	for (int i = 0; i < N; i++) {
		char jid[64];

		snprintf(jid, sizeof(jid), "r%05d@%s", i, SERVICE);
		rooms_save(f.store,
			   &(struct room_row){ .jid = jid, .config = "" },
			   outcome_set, &o);
	}
	fixture_settle(&f);
	ck_assert_int_eq(o.calls, N);
	ck_assert_int_eq(list(q).count, -1);
	q.prefix = "r01";
	ck_assert_int_eq(list(q).count, 1000);
	q.prefix = NULL;
	q.is_backwards = true;
	l = list(q);
	ck_assert_str_eq(l.jids, "r05001");
	ck_assert_int_eq(l.count, N);
	ck_assert_int_eq(l.index, -1);
	q.before = "r05001@" SERVICE;
	ck_assert_int_eq(list(q).index, 5000);
}
END_TEST

START_TEST(searches)
{
	struct rooms_query q = { .max = 10, .search = "hALl" };
	struct list l;

	fixture_open(&f, _i);
	fill_list();
	l = list(q);
	ck_assert_str_eq(l.jids, "a-b hall vault");
	ck_assert_int_eq(l.count, 3);
	ck_assert_int_eq(l.index, 0);
	ck_assert(l.is_complete);
	q.only_public = true;
	ck_assert_str_eq(list(q).jids, "a-b hall");
	q.only_public = false;
	q.max = 1;
	l = list(q);
	ck_assert_str_eq(l.jids, "a-b");
	ck_assert_int_eq(l.count, 3);
	ck_assert(!l.is_complete);
	q.after = "a-b@" SERVICE;
	l = list(q);
	ck_assert_str_eq(l.jids, "hall");
	ck_assert_int_eq(l.index, 1);
	ck_assert(!l.is_complete);
	q.after = "hall@" SERVICE;
	l = list(q);
	ck_assert_str_eq(l.jids, "vault");
	ck_assert(l.is_complete);
	q.after = "vault@" SERVICE;
	ck_assert_uint_eq(list(q).n, 0);
	ck_assert_int_eq(list(q).index, -1);
	q = (struct rooms_query){ .max = 2,
				  .search = "hall",
				  .is_backwards = true };
	l = list(q);
	ck_assert_str_eq(l.jids, "hall vault");
	ck_assert_int_eq(l.index, 1);
	ck_assert(!l.is_complete);
	q.before = "hall@" SERVICE;
	l = list(q);
	ck_assert_str_eq(l.jids, "a-b");
	ck_assert(l.is_complete);
	/* Not in the service's name; all contain nothing. */
	q = (struct rooms_query){ .max = 10, .search = "example" };
	ck_assert_uint_eq(list(q).n, 0);
	q.search = "";
	ck_assert_int_eq(list(q).count, 7);
	q.max = 0;
	ck_assert_int_eq(list(q).count, 7);
	q.search = "a room with a long name that nobody has";
	ck_assert_int_eq(list(q).count, 0);
}
END_TEST

START_TEST(has_an_index_for_each_statement)
{
	fixture_open(&f, _i);
	fixture_ck_plans(&f, &rooms_list_kind);
}
END_TEST

static void
teardown(void)
{
	fixture_close(&f);
}

int
main(void)
{
	TCase *tc = tcase_create("rooms_list");

	tcase_add_checked_fixture(tc, NULL, teardown);
	add_store_test(tc, lists_in_pages);
	add_store_test(tc, finds_by_prefix);
	tcase_add_loop_test(tc, counts_so_far_only, 0, 1);
	add_store_test(tc, searches);
	tcase_add_loop_test(tc, has_an_index_for_each_statement, 0, 1);
	return unit_run(tc);
}
