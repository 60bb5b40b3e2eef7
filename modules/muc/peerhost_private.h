/*
 * peerhost_private.h - what the files of the module share: copies of other
 * servers' rooms, and what is done for them.
 */
#ifndef MUC_PEERHOST_PRIVATE_H
#define MUC_PEERHOST_PRIVATE_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/timer.h"
#include "core/module.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;
struct jid;
struct server;
struct slave;

extern struct module_slot peerhost_slot;

enum copies_of { COPIES_NO, COPIES_YES, COPIES_LISTED };

struct peerhost {
	struct host *host;	 /* borrowed */
	int copies_of;		 /* enum copies_of: option room-copies */
	struct option_list from; /* option room-copies-from */
	bool may_continue;	 /* option room-copies-continue */
	bool may_relay;		 /* option room-copies-relay */
	int64_t max_children;	 /* option room-copies-children */
	int64_t max;		 /* option room-copies-max */
	int64_t max_size;	 /* option room-copies-size */
	int64_t max_all;	 /* option room-copies-memory */
	/* options room-copies-waiting, room-copies-waiting-size */
	int64_t max_waiting, max_waiting_size;
	size_t size;	   /* of all copies, about; bytes */
	struct map copies; /* struct copy.node, by room */
	struct list joins; /* struct join.node, the oldest first */
	size_t n_joins;
	struct list bounces; /* struct bounce.node; of domains, each once */
	size_t n_bounces;
	struct turn_end on_bounces;
	struct timer timer; /* while there are any of both */
	struct log_limit log_limit;
};

struct copy {
	struct map_node node;
	struct peerhost *host; /* borrowed */
	struct slave *slave;   /* owned */
	int64_t shown_ms;      /* since when presence is kept as written */
	bool is_over;
	bool is_refusing; /* its own error is on its way to a user */
};

static inline struct copy *
copy_of(struct map_node *n)
{
	return container_of(n, struct copy, node);
}

struct server *copy_server(const struct copy *c);
/* The copy of that room (its resource does not count), or NULL. It may be over.
 */
struct copy *copy_find(const struct peerhost *ph, const struct jid *room);
/* Before anything is done to it; copy_find and copy_new have done so. */
void copy_set_clock(struct copy *c);
/* Empty. */
struct copy *copy_new(struct peerhost *ph, struct jid *room);
void copy_free(struct copy *c);
/* The host's options have changed. */
void copy_take_options(struct copy *c);
/* The timer runs. */
void peerhost_arm(struct peerhost *ph);

#endif
