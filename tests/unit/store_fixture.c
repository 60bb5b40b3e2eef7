/* store_fixture.c - databases for tests. */

#include "store_fixture.h"

#include "base/err.h"
#include "base/log.h"
#include "net/loop.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct store_settings variants[] = {
	[FIXTURE_INLINE] = { .driver = "sqlite", .inline_mode = true },
	{ .driver = "sqlite", .readers = 0 },
	[FIXTURE_READERS] = { .driver = "sqlite", .readers = 2 },
};

int
fixture_n_variants(void)
{
	return (int)N_ELEMENTS(variants);
}

void
fixture_prepare(struct fixture *f, int variant)
{
	const char *tmp = getenv("TMPDIR");

	memset(f, 0, sizeof(*f));
	log_set_level(LOG_WARN);
	clock_init_fake(&f->clock);
	f->loop = loop_new("core", &f->clock);
	snprintf(f->dir, sizeof(f->dir), "%s/banyan-test-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/banyan.db", f->dir);
	f->settings = variants[variant];
	f->settings.path = f->path;
}

static void
open_store(struct fixture *f)
{
	struct err err = { "" };

	f->store = store_open(f->loop, &f->settings, &err);
	ck_assert_msg(f->store != NULL, "%s", err.text);
}

void
fixture_open(struct fixture *f, int variant)
{
	fixture_prepare(f, variant);
	open_store(f);
}

void
fixture_reopen(struct fixture *f)
{
	store_close(&f->store);
	open_store(f);
}

void
fixture_settle(struct fixture *f)
{
	while (store_is_busy(f->store)) {
		if (!loop_step(f->loop))
			sched_yield();
	}
}

void
fixture_close(struct fixture *f)
{
	struct dirent *e;
	DIR *d;

	store_close(&f->store);
	loop_free(f->loop);
	f->loop = NULL;
	d = *f->dir ? opendir(f->dir) : NULL;
	if (!d)
		return;
	while ((e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(f->dir);
}

void
outcome_set(void *data, const struct store_result *res)
{
	struct outcome *o = data;

	o->calls++;
	o->status = res->status;
	snprintf(o->error, sizeof(o->error), "%s",
		 res->error ? res->error : "");
}

void
outcome_expect(struct fixture *f, struct outcome *o, enum store_status status)
{
	ck_assert_int_eq(o->calls, 0);
	fixture_settle(f);
	ck_assert_int_eq(o->calls, 1);
	ck_assert_msg(o->status == status, "status %d (%s), expected %d",
		      (int)o->status, o->error, (int)status);
	memset(o, 0, sizeof(*o));
}
