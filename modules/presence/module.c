/* module.c - presence as a module (RFC 6121 section 4). */

#include "core/session.h"
#include "modules/presence/private.h"

struct module_slot presence_slot;

static const struct option options[] = {
	{ "presence-directed-max", OPT_INT,
	  offsetof(struct presence_host, directed_max), .def = "1000", .min = 1,
	  .max = 100000,
	  .doc = "Addresses (rooms, for example) that one session can have "
		 "sent its presence to besides its contacts." },
	{ 0 },
};

static void
session_fini(struct session *s, void *data)
{
	struct presence_session *ps = data;

	(void)s;
	directed_fini(&ps->directed);
}

const struct module mod_presence = {
	.name = "presence",
	.slot = &presence_slot,
	.needs = (const char *const[]){ "roster", NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_PRESENCE_FROM_USER, PHASE_CHECK,
			  presence_on_check },
			{ HOOK_PRESENCE_FROM_USER, PHASE_DELIVER,
			  presence_on_from_user },
			{ HOOK_PRESENCE_TO_USER, PHASE_DELIVER,
			  presence_on_to_user },
			{ HOOK_SESSION_CLOSED, PHASE_DELIVER,
			  presence_on_closed },
			{ 0 },
		},
	.host_size = sizeof(struct presence_host),
	.session_size = sizeof(struct presence_session),
	.session_fini = session_fini,
};
