/*
 * rules.h - XEP-0045: a submission is refused, or becomes entries.
 *
 * Nothing here changes the room: the entries of a ruling, applied in their
 * order, do (room.h). Each file rules_*.c has a part of the standard.
 */
#ifndef MUC_RULES_H
#define MUC_RULES_H

#include "modules/muc/affiliation.h"
#include "xmpp/cond.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct chunk;
struct entry;
struct jid;
struct muc_limits;
struct occupant;
struct room;
struct room_session;
struct stanza;
struct xml;

enum submission_type {
	SUBMIT_STANZA,
	/* A session has lost the room: code (333, 332), reason. */
	SUBMIT_GONE,
	/* The way to the domain `from` is lost, or back (is_away). */
	SUBMIT_LINK,
	/* The service: the options of `entry` (CONFIG, DESTROY, …), as a
	 * service's administrator wants them. */
	SUBMIT_ENTRY,
	/* The room has been read from disk: what a crash has cut short happens
	 * now. Who was banned, or may not be here by the new options, was
	 * perhaps still in it. */
	SUBMIT_RESTORED,
};

struct submission {
	enum submission_type type;
	struct jid *from;      /* borrowed; full for stanzas of clients */
	struct stanza *stanza; /* borrowed; STANZA */
	/* By what the sender's peerhost knows it: in the stanza; or NULL. */
	const char *submit;
	/* When it was said, where it had to wait long for a way; or 0. */
	int64_t said_ms;
	struct entry *entry; /* borrowed; ENTRY */
	int64_t now_ms;	     /* wall clock */
	int code;	     /* GONE */
	const char *reason;  /* GONE; static, or NULL */
	bool is_away;	     /* LINK */
	/* What is to be taken back: borrowed, as it is kept; NULL: it is not
	 * at hand. Its archive_id, or 0. */
	struct stanza *target;
	int64_t target_id;
	/* JOIN: who was in it before a split. A nickname that is taken
	 * meanwhile becomes another one. */
	bool is_return;
	bool is_put_out;       /* somebody has put him out since */
	bool is_service_admin; /* may do what an owner may */
	/* The room was made for this: its first entrant becomes the owner. */
	bool is_creation;
	/* NULL, or told what came of it: COND_NONE, or why it is refused. */
	void (*told)(void *data, enum stanza_cond cond);
	void *told_data;
};

/* What holds for all rooms of a service. */
struct rules_env {
	const uint8_t *secret; /* of occupant ids; RULES_SECRET_LEN bytes */
	size_t presence_max;   /* bytes of a presence that are kept */
	size_t vcard_max;      /* bytes of the room's vCard */
	unsigned occupants_max, affiliations_max, history_max;
	bool no_relays; /* owners cannot name any */
};
#define RULES_SECRET_LEN 32
/* Those of a room's configuration. */
struct muc_limits rules_limits(const struct rules_env *env);
/* A room that is full still lets so many owners and admins in (7.2.9). */
#define RULES_EXTRA_ADMINS 10
/* Whom one message can invite. */
#define RULES_INVITES_MAX 20
/* Admins of whom none is in the room that one request goes to. */
#define RULES_ADMINS_ASKED_MAX 20

struct ruling {
	enum stanza_cond cond;	/* COND_NONE: it holds */
	const char *text;	/* static, or own_text, or NULL */
	char *own_text;		/* owned */
	const char *type;	/* of the error where not the usual one */
	struct entry **entries; /* owned, and each a ref; in their order */
	size_t n, cap;
	/* What somebody is sent once the entries hold: invitations, requests
	 * to those who decide. Owned, and each a ref. */
	struct stanza **mail;
	size_t n_mail, cap_mail;
	/* Presence from who is not here: the client has to learn that (7.1.17).
	 */
	bool is_out_of_step;
	/* The answer comes before what the entries show. */
	bool is_told_first;
};

/* out is zeroed. It always gives one: a condition, entries or mail, or nothing
 * at all (what is to be ignored). Presence, messages to the room itself, and
 * iqs that set lists, options, or take a message back. */
void rules_judge(const struct room *r, const struct rules_env *env,
		 const struct submission *sub, struct ruling *out);
void ruling_fini(struct ruling *r);

/* For the rules_*.c: a copy of the entry (entry_new) behind the others. */
struct entry *ruling_add(struct ruling *r, const struct entry *e);
/* Takes the reference. */
void ruling_mail(struct ruling *r, struct stanza *s);
/* Always false, for `return ruling_refuse(…)`. */
bool ruling_refuse(struct ruling *r, enum stanza_cond cond, const char *text);

/* The id in the room's archive of what the stanza is to take back; 0: none. */
int64_t rules_retracted_id(const struct stanza *s);
/* A message that takes back one of its author `by`: the entry becomes
 * ENTRY_RETRACT where it does; its tombstone is the caller's to unref. False:
 * refused. */
bool
rules_retract(const struct room *r, const struct submission *sub,
	      const struct occupant *by, struct entry *e, struct ruling *out);
void rules_moderate(const struct room *r, const struct submission *sub,
		    struct ruling *out);

/* The payload of the entry for this message of an occupant; id: of the archive,
 * or 0. The caller's. */
struct chunk *
rules_message_payload(const struct room *r, const struct stanza *s,
		      const struct occupant *o, int64_t id);

/* For what is said now. Ids are times in microseconds, and grow
 * (storage/archive.h). */
int64_t rules_next_id(const struct room *r, int64_t now_ms);

void rules_presence(const struct room *r, const struct rules_env *env,
		    const struct submission *sub, struct ruling *out);
void rules_owner(const struct room *r, const struct rules_env *env,
		 const struct submission *sub, struct ruling *out);
void rules_admin(const struct room *r, const struct rules_env *env,
		 const struct submission *sub, struct ruling *out);
/* XEP-0045 8.1: does it set the subject, and say nothing else? */
bool rules_is_subject(const struct stanza *s);
void rules_message(const struct room *r, const struct rules_env *env,
		   const struct submission *sub, struct ruling *out);
/* A message with <x/> of muc#user. */
void rules_invite(const struct room *r, const struct rules_env *env,
		  const struct submission *sub, struct ruling *out);
/* A vCard of the room that was set (XEP-0054, XEP-0486). */
void rules_vcard(const struct room *r, const struct rules_env *env,
		 const struct submission *sub, struct ruling *out);
/* A form of muc#request that was filled in. */
void rules_voice(const struct room *r, const struct submission *sub,
		 const struct xml *form, struct ruling *out);

/* jabber:iq:register (set), and a form of muc#register by which an admin
 * decides about one. */
void rules_register(const struct room *r, const struct rules_env *env,
		    const struct submission *sub, struct ruling *out);
void rules_registration(const struct room *r, const struct rules_env *env,
			const struct submission *sub, const struct xml *form,
			struct ruling *out);
/* May who asks register, or ask for that? False: the ruling says why not. */
bool rules_may_register(const struct room *r, const struct submission *sub,
			struct ruling *out);
/* NULL: none. */
const char *rules_registered_nick(const struct room *r, const struct jid *user);

/* 17.1 and 14.1: no nickname that nobody sees. */
bool rules_is_visible(const char *nick);
/* May the user take this nickname, which nobody else has or has reserved?
 * False: the ruling is conflict. */
bool rules_nick_is_free(const struct room *r, const struct jid *user,
			const char *nick, struct ruling *out);

/* To `to`, in the name of who has submitted. invite: its reason and whether it
 * continues a chat; NULL: nothing is said of that. */
void rules_send_invitation(const struct room *r, const struct submission *sub,
			   struct jid *to, const struct xml *invite,
			   struct ruling *out);

/* What somebody is from now on, and what follows for who is in the room.
 * False: the list is full, and that is the ruling. actor: the nickname of who
 * wants it; actor and nick may be NULL. */
bool rules_set_affiliation(const struct room *r, const struct rules_env *env,
			   const struct submission *sub, struct jid *jid,
			   enum affiliation affiliation, const char *nick,
			   const char *actor, struct ruling *out);

/* The session goes, as e says; with it the room, where it is locked and nobody
 * else could ever configure it (10.1.3). */
void rules_leave(const struct room *r, const struct room_session *s,
		 const struct entry *e, struct ruling *out);

/* What somebody is in this room, whether in it or not; an administrator of the
 * service is an owner. */
enum affiliation
rules_affiliation(const struct room *r, const struct submission *sub);

/* XEP-0421: stable for a user in a room, and says nothing about either. */
#define OCCUPANT_ID_LEN 40
void rules_occupant_id(const struct rules_env *env, const struct room *r,
		       const struct jid *user, char out[OCCUPANT_ID_LEN + 1]);

/* Does only the room itself say such an element (XEP-0045 14.3, XEP-0421 4,
 * XEP-0359 5)? */
bool rules_is_of_room(const struct room *r, const struct xml *x);

/* The text of a stanza's children for an entry's payload: ` xml:lang='…'>` and
 * the children, less those that only a room may make. Of an element `only`
 * (NULL: all), others are left out. */
void rules_write_payload(struct buf *b, const struct room *r,
			 const struct stanza *s, const char *only);

#endif
