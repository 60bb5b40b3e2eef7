/*
 * key_mix.h - of how many iterations the keys of a host's accounts are.
 *
 * After a change of scram-iterations accounts have what their password was set
 * with. A name that does not exist has to look like one of them (see
 * scram_fake_keys), so this is known before anybody is looked up. It is read
 * again behind changes of accounts, but only while there is more than one
 * number: usually never. Core thread only.
 */
#ifndef CORE_KEY_MIX_H
#define CORE_KEY_MIX_H

#include "base/list.h"
#include "xmpp/scram.h"

#include <stdbool.h>

struct host;

struct key_mix {
	struct scram_mix mix;
	struct list waits; /* struct key_mix_wait.node */
	int64_t asked_ms, not_before_ms;
	bool has_accounts; /* false: mix is of the option */
	bool is_known, is_reading, is_changed;
};

/* Who waits for it; is in use until fn is called. ok false: the store has
 * failed. */
struct key_mix_wait {
	struct list node;
	void (*fn)(struct key_mix_wait *w, bool ok);
};

void key_mix_init(struct key_mix *k);
/* host->keys.mix is right when fn is called: in here, or later. */
void key_mix_then(struct host *h, struct key_mix_wait *w);
/* Keys have come, gone or changed. */
void key_mix_changed(struct host *h);

#endif
