/* cache.c - answers of clients. */

#include "modules/caps/cache.h"

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "modules/caps/ver.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

/* Of one answer; larger ones are not believed. */
#define FEATURES_MAX	   500
#define FEATURES_BYTES_MAX 16384u
/* Of node, ver and hash; with more, nobody is asked. */
#define NAME_MAX_LEN 1023u

struct caps {
	const char **features; /* sorted; with the texts one allocation */
	size_t n;
};

/* Somebody who wants to know, and of whom. */
struct waiter {
	struct list node;
	struct jid *who; /* ref */
	caps_done *done;
	void *data;
};

struct caps_question {
	struct map_node node; /* in cache->entries */
	struct list use;      /* in cache->used, when answered */
	struct list waiters;
	struct jid *asked; /* ref */
	bool is_answered;  /* with caps; until then it is open */
	struct caps caps;
	char *hash, *ver, *disco_node; /* owned; hash NULL: not verified */
	char *key;		       /* owned */
};

struct caps_cache {
	struct map entries;
	struct list used; /* the longest not used first */
	size_t max, n_open;
	caps_ask *ask;
	void *data;
};

bool
caps_has_feature(const struct caps *caps, const char *feature)
{
	size_t low = 0, high = caps ? caps->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(feature, caps->features[mid]);

		if (!c)
			return true;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

/* ---- entries ---- */

static struct caps_question *
question_of(struct map_node *n)
{
	return container_of(n, struct caps_question, node);
}

static bool
key_eq(const struct map_node *n, const void *key)
{
	const struct caps_question *q =
		container_of((struct map_node *)n, struct caps_question, node);

	return !strcmp(q->key, key);
}

static bool
is_verified(const struct caps_name *name)
{
	return name->hash && caps_hash_is_known(name->hash);
}

/* XEP-0115 5.4: for everybody where the hash can be verified, else for this
 * one address. A newline is in none of the parts but perhaps the last. */
static char *
make_key(const struct jid *who, const struct caps_name *name)
{
	if (is_verified(name))
		return mem_printf("%s\n%s", name->hash, name->ver);
	return mem_printf("%s\n%zu\n%s%s", jid_str(who), strlen(name->node),
			  name->node, name->ver);
}

static void
remove_question(struct caps_cache *c, struct caps_question *q)
{
	map_remove(&c->entries, &q->node);
	list_remove(&q->use);
	jid_unref(&q->asked);
	free(q->caps.features);
	free(q->hash);
	free(q->ver);
	free(q->disco_node);
	free(q->key);
	free(q);
}

static void
evict(struct caps_cache *c)
{
	while (c->entries.n - c->n_open > c->max)
		remove_question(c, container_of(c->used.next,
						struct caps_question, use));
}

struct caps_cache *
caps_cache_new(size_t max, caps_ask *ask, void *data)
{
	struct caps_cache *c = mem_zalloc(sizeof(*c));

	list_init(&c->used);
	c->max = max;
	c->ask = ask;
	c->data = data;
	return c;
}

void
caps_cache_free(struct caps_cache *c)
{
	if (!c)
		return;
	map_each (n, &c->entries)
		remove_question(c, question_of(n));
	map_fini(&c->entries);
	free(c);
}

void
caps_cache_set_max(struct caps_cache *c, size_t max)
{
	c->max = max;
	evict(c);
}

/* ---- waiting ---- */

static void
add_waiter(struct caps_question *q, struct jid *who, caps_done *done,
	   void *data)
{
	struct waiter *w = mem_zalloc(sizeof(*w));

	w->who = jid_ref(who);
	w->done = done;
	w->data = data;
	list_append(&q->waiters, &w->node);
}

static void
finish(struct waiter *w, const struct caps *caps)
{
	list_remove(&w->node);
	w->done(w->data, caps);
	jid_unref(&w->who);
	free(w);
}

/* Who claims the same as somebody who was not believed, is asked in turn;
 * that one is out. */
static void
ask_next(struct caps_cache *c, struct caps_question *q)
{
	struct waiter *first;

	list_each_safe (n, &q->waiters) {
		struct waiter *w = container_of(n, struct waiter, node);

		if (q->asked && jid_eq(w->who, q->asked))
			finish(w, NULL);
	}
	while (!list_is_empty(&q->waiters)) {
		first = container_of(q->waiters.next, struct waiter, node);
		jid_unref(&q->asked);
		q->asked = jid_ref(first->who);
		if (c->ask(c->data, q, q->asked, q->disco_node))
			return;
		finish(first, NULL);
	}
	c->n_open--;
	remove_question(c, q);
}

static struct caps_question *
find_question(const struct caps_cache *c, const struct jid *who,
	      const struct caps_name *name)
{
	char *key = make_key(who, name);
	struct map_node *n = map_find(&c->entries, hash_str(key), key_eq, key);

	free(key);
	return n ? question_of(n) : NULL;
}

static struct caps_question *
add_question(struct caps_cache *c, const struct jid *who,
	     const struct caps_name *name)
{
	struct caps_question *q = mem_zalloc(sizeof(*q));

	list_init(&q->use);
	list_init(&q->waiters);
	q->key = make_key(who, name);
	q->hash = is_verified(name) ? mem_strdup(name->hash) : NULL;
	q->ver = mem_strdup(name->ver);
	q->disco_node = mem_printf("%s#%s", name->node, name->ver);
	map_insert(&c->entries, &q->node, hash_str(q->key));
	c->n_open++;
	return q;
}

static bool
is_too_long(const struct caps_name *name)
{
	return strlen(name->node) > NAME_MAX_LEN ||
	       strlen(name->ver) > NAME_MAX_LEN;
}

void
caps_cache_get(struct caps_cache *c, struct jid *who,
	       const struct caps_name *name, caps_done *done, void *data)
{
	struct caps_question *q;

	if (is_too_long(name)) {
		done(data, NULL);
		return;
	}
	q = find_question(c, who, name);
	if (q && q->is_answered) {
		list_remove(&q->use);
		list_append(&c->used, &q->use);
		done(data, &q->caps);
	} else if (q) {
		add_waiter(q, who, done, data);
	} else if (c->n_open >= c->max) {
		done(data, NULL);
	} else {
		q = add_question(c, who, name);
		add_waiter(q, who, done, data);
		ask_next(c, q);
	}
}

/* ---- answers ---- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* -1: there are too many of them. */
static int
read_features(const struct xml *query, struct caps *out)
{
	size_t n = 0, bytes = 0;
	char *text;

	xml_each (x, query) {
		const char *var = xml_get(x, "var");

		if (var && xml_is(x, "feature", NS_DISCO_INFO)) {
			n++;
			bytes += strlen(var) + 1;
		}
	}
	if (n > FEATURES_MAX || bytes > FEATURES_BYTES_MAX)
		return -1;
	out->features = mem_alloc(n * sizeof(*out->features) + bytes + 1);
	text = (char *)(out->features + n);
	xml_each (x, query) {
		const char *var = xml_get(x, "var");

		if (!var || !xml_is(x, "feature", NS_DISCO_INFO))
			continue;
		out->features[out->n++] = strcpy(text, var);
		text += strlen(var) + 1;
	}
	if (n)
		qsort(out->features, n, sizeof(*out->features), by_text);
	return 0;
}

static bool
is_true(const struct caps_question *q, const struct xml *query)
{
	struct arena *a;
	const char *ver;
	bool ok;

	if (!q->hash)
		return true;
	a = arena_new();
	ver = caps_ver(a, query, q->hash);
	ok = ver && !strcmp(ver, q->ver);
	arena_unref(&a);
	return ok;
}

void
caps_cache_answer(struct caps_cache *c, struct caps_question *q,
		  const struct xml *query)
{
	if (!query || !is_true(q, query) ||
	    read_features(query, &q->caps) < 0) {
		ask_next(c, q);
		return;
	}
	c->n_open--;
	list_append(&c->used, &q->use);
	q->is_answered = true;
	while (!list_is_empty(&q->waiters))
		finish(container_of(q->waiters.next, struct waiter, node),
		       &q->caps);
	evict(c);
}
