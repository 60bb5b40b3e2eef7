/*
 * requests.h - what may be asked of a room (iq), by type, namespace and
 * element.
 */
#ifndef MUC_REQUESTS_H
#define MUC_REQUESTS_H

#include "core/hook.h"

struct event;
struct live;

/* data: the struct live. The payload is stanza_payload(ev->stanza). Ends the
 * event by event_reply…, live_refuse or live_submit, or says WAIT. */
enum verdict room_owner_get(struct event *ev, void *live);
enum verdict room_owner_set(struct event *ev, void *live);
enum verdict room_admin_get(struct event *ev, void *live);
enum verdict room_admin_set(struct event *ev, void *live);
enum verdict room_disco_info(struct event *ev, void *live);
enum verdict room_disco_items(struct event *ev, void *live);
enum verdict room_register_get(struct event *ev, void *live);
enum verdict room_register_set(struct event *ev, void *live);
enum verdict room_archive_query(struct event *ev, void *live);
enum verdict room_archive_form(struct event *ev, void *live);
enum verdict room_archive_metadata(struct event *ev, void *live);
enum verdict room_vcard_get(struct event *ev, void *live);
enum verdict room_vcard_set(struct event *ev, void *live);
enum verdict room_moderate(struct event *ev, void *live);
enum verdict room_ping(struct event *ev, void *live);

/* Answers a get or set to the room itself; service-unavailable where there is
 * nobody for it. */
enum verdict room_request(struct live *l, struct event *ev);

#endif
