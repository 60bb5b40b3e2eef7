/* private.h - what the files of this module share. */
#ifndef PRESENCE_PRIVATE_H
#define PRESENCE_PRIVATE_H

#include "core/hook.h"
#include "core/module.h"
#include "modules/presence/directed.h"

#include <stdint.h>

struct event;

struct presence_host {
	int64_t directed_max; /* option presence-directed-max */
};

struct presence_session {
	struct directed directed;
};

extern struct module_slot presence_slot;

/* ---- from_user.c ---- */

enum verdict presence_on_check(struct event *ev, void *data);
enum verdict presence_on_from_user(struct event *ev, void *data);
enum verdict presence_on_closed(struct event *ev, void *data);

/* ---- to_user.c ---- */

enum verdict presence_on_to_user(struct event *ev, void *data);

#endif
