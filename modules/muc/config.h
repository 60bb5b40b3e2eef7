/*
 * config.h - the options of a room.
 *
 * One table (config.c) holds for each option its field in the configuration
 * form (XEP-0045 sections 10.1.3, 10.2, 15.5.3), what disco#info says of it
 * (6.4, 15.5.4), how it is stored, and what occupants are told when it
 * changes (10.2.1).
 */
#ifndef MUC_CONFIG_H
#define MUC_CONFIG_H

#include "modules/muc/affiliation.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;
struct jid;
struct xml;

#define NS_MUC_ROOMCONFIG "http://jabber.org/protocol/muc#roomconfig"
#define NS_MUC_ROOMINFO	  "http://jabber.org/protocol/muc#roominfo"

/* What a new room is; an owner can choose one in the form, too. */
enum muc_preset {
	/* As XEP-0045 has always had them: gone with its last occupant. */
	PRESET_TEMPORARY,
	/* Members only, who know each other and may invite; hidden, kept. */
	PRESET_PRIVATE_GROUP,
	/* For everybody; semi-anonymous, kept. */
	PRESET_PUBLIC_CHANNEL,
	N_PRESETS
};

/* Who sees real JIDs: the room is semi-anonymous, or non-anonymous. */
enum muc_whois { WHOIS_MODERATORS, WHOIS_ANYONE };

/* Who may send private messages. */
enum muc_pm { PM_ANYONE, PM_PARTICIPANTS, PM_MODERATORS, PM_NONE };

/* What a copy of the room does without its master. */
enum muc_split { SPLIT_HOLD, SPLIT_CONTINUE };

/* Which other servers may have a copy of it. */
enum muc_distribute { DISTRIBUTE_NO, DISTRIBUTE_YES, DISTRIBUTE_LISTED };

/* Strings are owned, NULL where there is nothing. Zeroed memory may be given
 * to muc_config_fini, but is no configuration: muc_config_init. */
struct muc_config {
	char *name, *desc, *lang;
	char *password; /* NULL: none is needed */
	char *contacts; /* JIDs, one a line */
	char *copies;	/* domains, one a line: DISTRIBUTE_LISTED */
	char *logs;	/* URL of published logs */
	char *pubsub;	/* URI of a node */
	char *avatar;	/* SHA-1 of the pictures in its vCard (XEP-0486) */
	bool is_public; /* listed in disco#items of the service */
	bool is_persistent, is_moderated, is_members_only;
	/* What is said is kept, and read by who could enter (XEP-0313). */
	bool is_archived;
	/* The owner says that what is said is published elsewhere. */
	bool is_logged;
	bool allow_subject; /* participants may set it */
	/* Members-only rooms: members may invite, others: everybody. */
	bool allow_invites;
	bool allow_query; /* IQs between occupants */
	bool allow_visitor_nick, allow_visitor_status, allow_voice_requests;
	bool shows_hats; /* who rules the room wears a hat (XEP-0317) */
	enum muc_whois whois;
	enum muc_pm allow_pm;
	enum muc_split split;
	enum muc_distribute distribute;
	char *relays;		     /* domains, one per line */
	unsigned presence_broadcast; /* of which roles: 1u << enum role */
	unsigned get_members;	     /* for which roles, likewise */
	int max_users;		     /* 0: as many as the service lets in */
	int history;		     /* messages for who enters, at most */
	int slow_mode_s;	     /* between two messages; 0: off */
};

/* What the service lets an owner choose. */
struct muc_limits {
	int max_users; /* 0: any number */
	int max_history;
	bool no_relays; /* owners cannot name any */
};

void muc_config_init(struct muc_config *c, enum muc_preset preset);
void muc_config_fini(struct muc_config *c);
/* c is overwritten, whatever it held. */
void muc_config_copy(struct muc_config *c, const struct muc_config *from);
bool muc_config_eq(const struct muc_config *a, const struct muc_config *b);

/* "private-group", as in the form. */
const char *muc_preset_name(enum muc_preset preset);
/* -1: there is none of that name. */
int muc_preset_parse(const char *name, enum muc_preset *out);
/* Over a limit: at the limit. The limits may be lower than when it was made. */
void muc_config_limit(struct muc_config *c, const struct muc_limits *limits);
/* Sets what the preset is about; name, password and the like stay. */
void muc_config_apply_preset(struct muc_config *c, enum muc_preset preset);

/* ---- the configuration form ---- */

/* The form to fill in, added to parent. lists: for the fields of all admins
 * and owners; NULL: without them. */
struct xml *
muc_config_to_form(struct arena *a, struct xml *parent,
		   const struct muc_config *c, const struct muc_limits *limits,
		   const struct affiliations *lists);
/*
 * What the submitted form makes of `old`: what it does not name stays, what
 * nobody knows is ignored. A preset that it names counts for what the form does
 * not change itself. 0: out is to be freed by the caller; -1: err names the
 * field (the answer is NOT_ACCEPTABLE, 10.1.3), out is zeroed.
 */
int muc_config_from_form(const struct xml *form, const struct muc_config *old,
			 const struct muc_limits *limits,
			 struct muc_config *out, struct err *err);
/*
 * The full list of admins or owners (AFFILIATION_ADMIN, AFFILIATION_OWNER) in
 * the submitted form: bare JIDs, each once, NULL-terminated, references held by
 * the arena. *jids_out is NULL where the form does not have the field. -1: one
 * of them is none, and err names the field.
 */
int muc_config_form_list(struct arena *a, const struct xml *form,
			 enum affiliation affiliation, struct jid ***jids_out,
			 struct err *err);

/* ---- what others are told ---- */

/* <feature/>s for disco#info of the room: muc_open, … (15.3), and the archive
 * where it has one. */
void muc_config_add_features(struct arena *a, struct xml *query,
			     const struct muc_config *c);

#define MUC_ROOMINFO_OCCUPANTS "muc#roominfo_occupants"

/* What the options do not tell. */
struct muc_roominfo {
	size_t n_occupants;
	const char *subject; /* NULL: none */
};

/* The form muc#roominfo (XEP-0128), added to query. */
struct xml *
muc_config_add_info(struct arena *a, struct xml *query,
		    const struct muc_config *c, const struct muc_limits *limits,
		    const struct muc_roominfo *info);

#define MUC_CONFIG_CODES_MAX 4
/* The status codes of a change (10.2.1): 170, 171, 172, 173, and 104 for
 * anything else. Returns how many; 0: there is nothing to tell. */
size_t muc_config_status_codes(const struct muc_config *old,
			       const struct muc_config *now,
			       int codes_out[MUC_CONFIG_CODES_MAX]);
/* May the server of that domain have a copy of the room? */
bool muc_config_allows_copy(const struct muc_config *c, const char *domain);
/* Is what is said here kept or published: status 170 on entering (7.2.12)? */
bool muc_config_is_logged(const struct muc_config *c);

/* ---- storage ---- */

/* Appends all options, as lines of text. */
void muc_config_to_text(const struct muc_config *c, struct buf *b);
/*
 * Reads them into c, which is overwritten. Names that are not known (of a newer
 * version) are ignored, what is missing is as in PRESET_TEMPORARY. -1: there
 * was a value that is none, which err names; that option, too, is as in
 * PRESET_TEMPORARY, all others are read.
 */
int muc_config_from_text(struct muc_config *c, const char *text, size_t len,
			 struct err *err);

#endif
