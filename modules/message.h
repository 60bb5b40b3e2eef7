/* message.h - for modules that need to know where a message goes. */
#ifndef MODULES_MESSAGE_H
#define MODULES_MESSAGE_H

#include <stdbool.h>

struct event;
struct session;

/* In HOOK_MESSAGE_TO_USER: is this session of ev->account one of those that
 * will get it (RFC 6121 8.5), as long as it is no headline? */
bool message_reaches(const struct event *ev, const struct session *s);

#endif
