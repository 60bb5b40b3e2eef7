/* slow.c - slow mode: who has spoken when. */

#include "modules/muc/slow.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct spoken {
	struct map_node node; /* in slow->by_id */
	struct list in_order;
	int64_t stamp_ms;
	char id[];
};

#define spoken_of(n) container_of(n, struct spoken, in_order)

static bool
id_eq(const struct map_node *n, const void *id)
{
	return !strcmp(
		container_of((struct map_node *)n, struct spoken, node)->id,
		id);
}

static struct spoken *
find(const struct slow *s, const char *id)
{
	struct map_node *n = map_find(&s->by_id, hash_str(id), id_eq, id);

	return n ? container_of(n, struct spoken, node) : NULL;
}

static void
forget(struct slow *s, struct spoken *who)
{
	map_remove(&s->by_id, &who->node);
	list_remove(&who->in_order);
	free(who);
}

void
slow_fini(struct slow *s)
{
	while (s->order.next && !list_is_empty(&s->order))
		forget(s, spoken_of(s->order.next));
	map_fini(&s->by_id);
	*s = (struct slow){ 0 };
}

void
slow_note(struct slow *s, const char *occupant_id, int64_t stamp_ms,
	  int64_t window_ms)
{
	struct spoken *who = find(s, occupant_id);
	size_t len = strlen(occupant_id) + 1;

	if (!s->order.next)
		list_init(&s->order);
	if (who) {
		list_remove(&who->in_order);
	} else {
		who = mem_zalloc(sizeof(*who) + len);
		memcpy(who->id, occupant_id, len);
		map_insert(&s->by_id, &who->node, hash_str(who->id));
	}
	who->stamp_ms = stamp_ms;
	list_append(&s->order, &who->in_order);
	while (spoken_of(s->order.next)->stamp_ms < stamp_ms - window_ms)
		forget(s, spoken_of(s->order.next));
}

int64_t
slow_last(const struct slow *s, const char *occupant_id)
{
	const struct spoken *who = find(s, occupant_id);

	return who ? who->stamp_ms : -1;
}
