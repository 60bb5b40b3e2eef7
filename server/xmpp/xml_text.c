/* xml_text.c - elements to text and back. */

#include "xmpp/xml_text.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "xmpp/xml.h"
#include "xmpp/xml_engine.h"

#include <limits.h>

struct chunk *
xml_to_text(const struct xml *x)
{
	struct buf b = { 0 };

	xml_write(&b, x, "");
	return buf_to_chunk(&b);
}

struct reader {
	struct engine_user user;
	struct arena *arena; /* ref of the first element's */
	struct xml *xml;
	unsigned n;
};

static struct reader *
reader_of(struct engine_user *u)
{
	return container_of(u, struct reader, user);
}

static void
on_element(struct engine_user *u, struct arena *a, struct xml *x)
{
	struct reader *r = reader_of(u);

	if (r->n++) {
		arena_unref(&a);
		return;
	}
	r->arena = a;
	r->xml = x;
}

static void
on_close(struct engine_user *u)
{
	reader_of(u)->n = 2;
}

static void
on_error(struct engine_user *u, enum stream_cond cond, const char *text)
{
	(void)cond;
	(void)text;
	reader_of(u)->n = 2;
}

static void
drop_arena(void *obj)
{
	struct arena *a = obj;

	arena_unref(&a);
}

struct xml *
xml_from_text(struct xml_pool *pool, struct arena *a, const char *text,
	      size_t len)
{
	static const struct xml_limits none = { SIZE_MAX, SIZE_MAX, UINT_MAX,
						UINT_MAX, UINT_MAX };
	struct reader r = { .user = { .limits = &none,
				      .on_element = on_element,
				      .on_close = on_close,
				      .on_error = on_error } };
	struct engine *e;
	size_t left;

	if (!len || len > INT_MAX)
		return NULL;
	/* Any will do: the element declares its own namespace. */
	e = xml_pool_take(pool, PRESET_CLIENT);
	if (engine_feed(e, &r.user, text, len, &left) == ENGINE_REST) {
		xml_pool_give(pool, PRESET_CLIENT, e);
	} else {
		engine_free(e);
		r.n = 2;
	}
	if (r.n != 1) {
		arena_unref(&r.arena);
		return NULL;
	}
	arena_own(a, r.arena, drop_arena);
	return r.xml;
}
