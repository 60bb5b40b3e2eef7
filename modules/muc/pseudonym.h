/*
 * pseudonym.h - what stands for a real address in what goes to other servers.
 *
 * A slave needs to know which session an entry is about, and which of them are
 * one user or one server, but not who that is. A pseudonym has the same parts
 * as the address and says nothing about it:
 *
 *   user@domain/resource   OCCUPANT-ID@DOMAIN-ID.invalid/SESSION-ID
 *   user@domain            OCCUPANT-ID@DOMAIN-ID.invalid
 *   domain                 DOMAIN-ID.invalid
 *
 * The same address has the same pseudonym as long as the server keeps its
 * secret, and another one in each room.
 */
#ifndef MUC_PSEUDONYM_H
#define MUC_PSEUDONYM_H

#include <stdbool.h>

struct jid;
struct room;
struct rules_env;

/* A new reference. */
struct jid *pseudonym_of(const struct rules_env *env, const struct room *r,
			 const struct jid *real);

/* Could it be one? For who reads what another server sends. */
bool pseudonym_is(const struct jid *jid);

/* The XEP-0421 id in it, as long as jid; NULL: of a domain. */
const char *pseudonym_occupant_id(const struct jid *jid);

#endif
