/* module.c - rooms (XEP-0045): the module, its services and options. */

#include "core/module.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/host.h"
#include "core/server.h"
#include "modules/muc/distribute.h"
#include "modules/muc/private.h"
#include "xmpp/jid.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

struct module_slot muc_slot;

static const char *const create_names[] = { "anybody", "local", "admins",
					    NULL };
static const char *const distribute_names[] = { "no", "yes", "listed", NULL };
static const char *const preset_names[] = { "temporary", "private-group",
					    "public-channel", NULL };

static const struct option options[] = {
	{ "rooms", OPT_LIST, offsetof(struct muc, services), .def = "",
	  .check = option_check_domain, .needs_restart = true,
	  .doc = "Domains with rooms. Where none is named, it is the host's "
		 "with \"rooms.\" in front; without rooms: "
		 "disabled-modules = {\"muc\"}." },
	{ "rooms-aliases", OPT_LIST, offsetof(struct muc, aliases), .def = "",
	  .check = option_check_domain, .needs_restart = true,
	  .doc = "Other names of the first of these domains, from times when "
		 "it had another one: whoever enters a room there is told "
		 "where it is now." },
	{ "rooms-create", OPT_ENUM, offsetof(struct muc, create),
	  .def = "local", .choices = create_names,
	  .doc = "Who may make a room: anybody, the users of this server "
		 "(local), or its administrators (admins)." },
	{ "rooms-preset", OPT_ENUM, offsetof(struct muc, preset),
	  .def = "temporary", .choices = preset_names,
	  .doc = "What a new room is until its owner configures it: temporary "
		 "(open, and gone with its last occupant), private-group (it "
		 "stays, for members, who see each other's addresses), or "
		 "public-channel (it stays, is listed, and open to all)." },
	{ "rooms-history-max", OPT_INT, offsetof(struct muc, history_max),
	  .def = "200", .min = 0, .max = 10000,
	  .doc = "The most messages of the past that a room can be configured "
		 "to show to who enters." },
	{ "rooms-history-size", OPT_SIZE, offsetof(struct muc, history_size),
	  .def = "512K", .min = 0, .max = 1 << 30,
	  .doc = "Size of all these messages of one room together. Where they "
		 "are larger, fewer are shown." },
	{ "rooms-occupants-max", OPT_INT, offsetof(struct muc, occupants_max),
	  .def = "5000", .min = 1, .max = 1000000,
	  .doc = "Occupants of one room." },
	{ "rooms-affiliations-max", OPT_INT,
	  offsetof(struct muc, affiliations_max), .def = "20000", .min = 1,
	  .max = 1000000,
	  .doc = "Owners, admins, members and banned ones of one room. A "
		 "quarter "
		 "of it is for those whom its admins name." },
	{ "rooms-archive-age", OPT_DURATION, offsetof(struct muc, archive_age),
	  .def = "0", .min = 0, .max = INT64_C(100) * 366 * 86400000,
	  .doc = "What is older leaves the archives of rooms, and is shown to "
		 "nobody who enters; 0: nothing does." },
	{ "rooms-archive-page", OPT_INT, offsetof(struct muc, archive_page),
	  .def = "100", .min = 1, .max = 1000,
	  .doc = "Messages of a room's archive that one request is answered "
		 "with, at most." },
	{ "rooms-presence-max", OPT_SIZE, offsetof(struct muc, presence_max),
	  .def = "8K", .min = 256, .max = 1 << 20,
	  .doc = "Size of an occupant's presence, which all others are sent." },
	{ "rooms-per-user", OPT_INT, offsetof(struct muc, per_user),
	  .def = "100", .min = 1, .max = 100000,
	  .doc = "Rooms of a service that one user can own and still make "
		 "another one." },
	{ "rooms-join-rate", OPT_INT, offsetof(struct muc, joins_rate),
	  .def = "1000", .min = 1, .max = 1000000,
	  .doc = "Rooms that one user can enter within a minute." },
	{ "rooms-ask-rate", OPT_INT, offsetof(struct muc, asks_rate),
	  .def = "30", .min = 1, .max = 1000000,
	  .doc = "Messages by which one user can invite, decline, or ask for "
		 "voice or membership within a minute." },
	{ "rooms-query-rate", OPT_INT, offsetof(struct muc, queries_rate),
	  .def = "600", .min = 1, .max = 1000000,
	  .doc = "Requests (iq) that one user can send to other occupants "
		 "within a minute." },
	{ "rooms-awake-max", OPT_INT, offsetof(struct muc, awake_max),
	  .def = "50000", .min = 1, .max = 10000000,
	  .doc = "Rooms of a service that are in memory. Where there are so "
		 "many, others cannot be entered." },
	{ "rooms-vcard-max", OPT_SIZE, offsetof(struct muc, vcard_max),
	  .def = "128K", .min = 1024, .max = 16777216,
	  .doc = "Size of a room's vCard with the picture in it." },
	{ "rooms-distribute", OPT_ENUM, offsetof(struct muc, distribute),
	  .def = "yes", .choices = distribute_names,
	  .doc = "Other servers that can have a copy of a room for their users "
		 "are sent each message once, and not once for each of them: "
		 "all that can (yes), those of rooms-distribute-to (listed), "
		 "or none (no). A room's owner can allow fewer." },
	{ "rooms-distribute-to", OPT_LIST, offsetof(struct muc, distribute_to),
	  .def = "", .check = option_check_domain,
	  .doc = "The domains that may have copies of rooms, with "
		 "rooms-distribute = listed." },
	{ "rooms-relays", OPT_LIST, offsetof(struct muc, relays), .def = "",
	  .check = option_check_domain,
	  .doc = "Domains of servers that are trusted to pass on what happens "
		 "in rooms, to other servers that have a copy and no way to "
		 "this one, or that are one too many (rooms-fanout). They "
		 "could "
		 "forge what users say." },
	{ "rooms-relays-by-owner", OPT_BOOL, offsetof(struct muc, owners_relay),
	  .def = "no",
	  .doc = "A room's owners can name more of them, for that room." },
	{ "rooms-fanout", OPT_INT, offsetof(struct muc, fanout), .def = "16",
	  .min = 1, .max = 10000,
	  .doc = "To so many servers that have a copy of a room this one, and "
		 "each relay, sends what happens in it, if there are relays; "
		 "others get it from a relay." },
	{ "rooms-unlock-time", OPT_DURATION, offsetof(struct muc, unlock_time),
	  .def = "30m", .min = 1000, .max = 86400000,
	  .doc = "A new room that its owner does not configure within this "
		 "time is destroyed." },
	{ "rooms-sleep-time", OPT_DURATION, offsetof(struct muc, sleep_time),
	  .def = "60s", .min = 0, .max = 86400000,
	  .doc = "How long a room in which nobody is stays in memory." },
	{ "rooms-away-time", OPT_DURATION, offsetof(struct muc, away_time),
	  .def = "15m", .min = 0, .max = 86400000,
	  .doc = "Occupants whose server cannot be reached are shown as away "
		 "for this long, and then leave." },
	{ "rooms-ping-interval", OPT_DURATION,
	  offsetof(struct muc, ping_interval), .def = "15m", .min = 0,
	  .max = 86400000,
	  .doc = "Occupants of other servers from whom nothing has come for "
		 "so long are asked whether they are still there; 0: not." },
	{ 0 },
};

static void
take_options(struct muc *muc)
{
	muc->env.secret = muc->secret;
	muc->env.vcard_max = (size_t)muc->vcard_max;
	muc->env.presence_max = (size_t)muc->presence_max;
	muc->env.occupants_max = (unsigned)muc->occupants_max;
	muc->env.no_relays = !muc->owners_relay;
	muc->env.affiliations_max = (unsigned)muc->affiliations_max;
	muc->env.history_max = (unsigned)muc->history_max;
}

static int
add_service(struct muc *muc, const char *domain, struct jid *alias_of,
	    struct err *err)
{
	struct muc_service *s = mem_zalloc(sizeof(*s));

	s->muc = muc;
	s->host = muc->host;
	s->jid = jid_parse(domain);
	s->main = jid_ref(alias_of);
	s->service = (struct service){ .receive = muc_receive,
				       .data = s,
				       .name = MUC_SERVICE_NAME,
				       .is_hidden = alias_of != NULL };
	list_append(&muc->domains, &s->node);
	if (route_add_service(muc->host->server, jid_str(s->jid), &s->service) <
	    0)
		return err_set(err, "rooms: %s is a host or component already",
			       domain);
	return 0;
}

static struct muc_service *
service_of(struct list *n)
{
	return container_of(n, struct muc_service, node);
}

static void
remove_service(struct muc_service *s)
{
	/* Only what is this one's: another may have the name. */
	route_remove_service(s->host->server, jid_str(s->jid));
	prune_stop(s);
	live_free_all(s);
	map_fini(&s->rooms);
	sent_ring_fini(&s->invites);
	sent_ring_fini(&s->privates);
	list_remove(&s->node);
	jid_unref(&s->jid);
	jid_unref(&s->main);
	free(s);
}

static void
unload(struct host *host, void *data)
{
	struct muc *muc = data;

	(void)host;
	ghosts_stop(muc);
	limits_stop(muc);
	list_each_safe (n, &muc->domains)
		remove_service(service_of(n));
	distribute_stop(muc);
}

static int
add_services(struct muc *muc, struct err *err)
{
	char *usual = mem_printf("rooms.%s", muc->host->name);
	char **names = muc->services.n ? muc->services.items : &usual;
	size_t n = muc->services.n ? muc->services.n : 1;
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = add_service(muc, names[i], NULL, err);
	for (size_t i = 0; i < muc->aliases.n && !ret; i++)
		ret = add_service(muc, muc->aliases.items[i],
				  service_of(muc->domains.next)->jid, err);
	free(usual);
	return ret;
}

static void
start_pruning(struct muc *muc)
{
	list_each (n, &muc->domains) {
		if (!service_of(n)->main)
			prune_start(service_of(n));
	}
}

static int
load(struct host *host, void *data, struct err *err)
{
	struct muc *muc = data;
	static const char label[] = "occupant-id";
	unsigned len = 0;

	muc->host = host;
	list_init(&muc->domains);
	list_init(&muc->lost);
	HMAC(EVP_sha256(), host->server->secret, sizeof(host->server->secret),
	     (const uint8_t *)label, strlen(label), muc->secret, &len);
	take_options(muc);
	limits_start(muc);
	if (add_services(muc, err) == 0) {
		ghosts_start(muc);
		start_pruning(muc);
		administration_offer(muc);
		return 0;
	}
	unload(host, muc);
	return -1;
}

static void
reloaded(struct host *host, void *data)
{
	struct muc *muc = data;

	(void)host;
	take_options(muc);
	list_each (n, &muc->domains) {
		map_each (k, &service_of(n)->rooms) {
			struct live *l = container_of(k, struct live, node);

			if (l->state == LIVE_AWAKE)
				room_limit_history(live_room(l),
						   (size_t)muc->history_size);
		}
	}
	distribute_reloaded(muc);
}

/* 11.2. Occupants of other servers stay in over a restart. */
static enum verdict
on_stopping(struct event *ev, void *data)
{
	struct muc *muc = data;

	(void)ev;
	list_each (n, &muc->domains) {
		map_each (k, &service_of(n)->rooms) {
			const struct live *l =
				container_of(k, struct live, node);

			if (l->state == LIVE_AWAKE)
				fanout_stop(live_room(l));
		}
	}
	return PASS;
}

const struct module mod_muc = {
	.name = "muc",
	.slot = &muc_slot,
	.needs = (const char *const[]){ "disco", NULL },
	.options = options,
	.hooks =
		(const struct hook[]){
			{ HOOK_SERVER_STOPPING, PHASE_DELIVER, on_stopping },
			{ HOOK_REMOTE_UNREACHABLE, PHASE_DELIVER,
			  ghosts_on_unreachable },
			{ HOOK_REMOTE_REACHABLE, PHASE_DELIVER,
			  ghosts_on_reachable },
			{ HOOK_REMOTE_BROKEN, PHASE_DELIVER, ghosts_on_broken },
			{ 0 },
		},
	.host_size = sizeof(struct muc),
	.load = load,
	.reloaded = reloaded,
	.unload = unload,
};
