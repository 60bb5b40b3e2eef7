/* info.c - what a room says about itself. */

#include "modules/muc/info.h"

#include "base/arena.h"
#include "base/mem.h"
#include "modules/muc/config.h"
#include "modules/muc/fnv.h"
#include "modules/muc/ns.h"
#include "modules/muc/room.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <string.h>

static const char *const features[] = {
	NS_DISCO_INFO,
	NS_DISCO_ITEMS,
	NS_MUC,
	NS_MUC_REQUEST,
	NS_MUC_STABLE_ID,
	NS_OCCUPANT_ID,
	NS_SID,
	NS_MODERATE,
	NS_MAV,
	NS_PING,
	NS_REGISTER,
	NS_VCARD,
	/* XEP-0410 3 */
	"http://jabber.org/protocol/muc#self-ping-optimization",
};

static const char *const archive_features[] = {
	NS_MAM "#extended",
	NS_RETRACT,
	NS_RETRACT "#tombstone",
};

static void
add_features(struct arena *a, struct xml *query, const char *const *vars,
	     size_t n)
{
	for (size_t i = 0; i < n; i++)
		xml_set(a, xml_add(a, query, "feature", NULL), "var", vars[i]);
}

void
info_add(struct arena *a, struct xml *query, const struct room *r,
	 const struct muc_limits *limits)
{
	struct muc_roominfo info = { .n_occupants = r->n_occupants };
	struct xml *x = xml_add(a, query, "identity", NULL);

	xml_set(a, x, "category", "conference");
	xml_set(a, x, "type", "text");
	xml_set(a, x, "name",
		r->config.name ? r->config.name : jid_local(r->jid));
	add_features(a, query, features, N_ELEMENTS(features));
	muc_config_add_features(a, query, &r->config);
	if (r->config.is_archived)
		add_features(a, query, archive_features,
			     N_ELEMENTS(archive_features));
	muc_config_add_info(a, query, &r->config, limits, &info);
}

/* ---- digest ---- */

static uint64_t
digest_attrs(const struct xml *x, const char *const *names)
{
	uint64_t h = FNV_START;

	for (; *names; names++)
		fnv_text(&h, xml_get(x, *names));
	return h;
}

static uint64_t
digest_field(struct arena *a, const struct xml *field)
{
	uint64_t h = FNV_START;

	fnv_text(&h, xml_get(field, "var"));
	xml_each (value, field)
		fnv_text(&h, xml_get_text(a, value));
	return h;
}

static uint64_t
digest_form(struct arena *a, const struct xml *form)
{
	uint64_t sum = 0;

	xml_each (field, form) {
		const char *var = xml_get(field, "var");

		if (strcmp(var, MUC_ROOMINFO_OCCUPANTS) != 0)
			sum += digest_field(a, field);
	}
	return sum;
}

uint64_t
info_digest(const struct room *r, const struct muc_limits *limits)
{
	static const char *const of_identity[] = { "category", "type", "name",
						   NULL };
	static const char *const of_feature[] = { "var", NULL };
	struct arena *a = arena_new();
	struct xml *query = xml_new(a, "query", NS_DISCO_INFO);
	uint64_t sum = 0;

	info_add(a, query, r, limits);
	/* In whatever order they stand. */
	xml_each (x, query) {
		if (!strcmp(x->name, "identity"))
			sum += digest_attrs(x, of_identity);
		else if (!strcmp(x->name, "feature"))
			sum += digest_attrs(x, of_feature);
		else
			sum += digest_form(a, x);
	}
	arena_unref(&a);
	return sum;
}
