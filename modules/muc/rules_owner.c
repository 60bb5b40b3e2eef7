/* rules_owner.c - what a room is: its options, and its end (XEP-0045 10). */

#include "base/err.h"
#include "modules/muc/entry.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "modules/muc/rules.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

static void
configure(const struct room *r, const struct rules_env *env,
	  const struct submission *sub, const struct xml *form,
	  struct ruling *out)
{
	struct muc_limits limits = { (int)env->occupants_max,
				     (int)env->history_max };
	struct muc_config config = { 0 };
	struct err err = { 0 };

	if (muc_config_from_form(form, &r->config, &limits, &config, &err) <
	    0) {
		ruling_refuse(out, COND_NOT_ACCEPTABLE, NULL);
		return;
	}
	ruling_add(out, &(struct entry){
				.type = ENTRY_CONFIG,
				.stamp_ms = sub->now_ms,
				.config = &config,
			});
	muc_config_fini(&config);
}

void
rules_owner(const struct room *r, const struct rules_env *env,
	    const struct submission *sub, struct ruling *out)
{
	const struct xml *query = stanza_payload(sub->stanza);
	const struct xml *form = form_find(query);

	if (!has_privilege(&r->config, rules_affiliation(r, sub), ROLE_NONE,
			   PRIV_CONFIGURE)) {
		ruling_refuse(out, COND_FORBIDDEN, NULL);
		return;
	}
	if (form)
		configure(r, env, sub, form, out);
	else
		ruling_refuse(out, COND_BAD_REQUEST, NULL);
}
