/* addresses.c - how many streams come from each address. */

#include "core/addresses.h"

#include "base/list.h"
#include "base/mem.h"
#include "net/listener.h"

#include <stdlib.h>
#include <string.h>

struct address {
	struct map_node node;
	int64_t n_streams;
	char text[];
};

static bool
address_eq(const struct map_node *n, const void *text)
{
	return !strcmp(
		container_of((struct map_node *)n, struct address, node)->text,
		text);
}

static struct address *
address_find(const struct map *m, const char *text)
{
	struct map_node *n;

	n = map_find(m, hash_str(text), address_eq, text);
	return n ? container_of(n, struct address, node) : NULL;
}

bool
address_came(struct map *m, const char *address, int64_t max)
{
	char text[INET6_ADDRSTRLEN];
	struct address *a;

	peer_group(address, text);
	a = address_find(m, text);
	if (!a) {
		a = mem_zalloc(sizeof(*a) + strlen(text) + 1);
		strcpy(a->text, text);
		map_insert(m, &a->node, hash_str(text));
	} else if (max && a->n_streams >= max) {
		return false;
	}
	a->n_streams++;
	return true;
}

void
address_left(struct map *m, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct address *a;

	peer_group(address, text);
	a = address_find(m, text);
	if (!a || --a->n_streams)
		return;
	map_remove(m, &a->node);
	free(a);
}
