/*
 * caps.h - what clients can do, by what their presences say of them
 * (XEP-0115).
 *
 * A module that includes this has "caps" in its .needs.
 */
#ifndef MODULES_CAPS_H
#define MODULES_CAPS_H

#include <stdbool.h>

struct caps;
struct host;
struct stanza;

/* caps: NULL where nothing is known (the presence says nothing, the client has
 * not answered, or not what it claimed); then nothing is to be assumed. Valid
 * during the call. */
typedef void caps_done(void *data, const struct caps *caps);

/* Of who has sent this available presence. Calls done once, at once where it
 * is known; else the client is asked. */
void caps_of(struct host *host, const struct stanza *presence, caps_done *done,
	     void *data);

/* caps may be NULL. */
bool caps_has_feature(const struct caps *caps, const char *feature);

#endif
