/* time.c - the server's clock (XEP-0202). */

#include "base/clock.h"
#include "core/module.h"
#include "core/server.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static enum verdict
on_time(struct event *ev, void *data)
{
	int64_t now_ms = ev->server->clock->wall_ms;
	struct stanza *reply = event_result(ev);
	struct arena *a = reply->arena;
	time_t sec = (time_t)(now_ms / 1000);
	char utc[CLOCK_STAMP_MAX], tzo[8];
	struct xml *x;
	struct tm tm;
	long minutes;

	(void)data;
	localtime_r(&sec, &tm);
	minutes = tm.tm_gmtoff / 60;
	snprintf(tzo, sizeof(tzo), "%c%02d:%02d", minutes < 0 ? '-' : '+',
		 (int)(labs(minutes) / 60 % 24), (int)(labs(minutes) % 60));
	x = xml_add(a, reply->root, "time", NS_TIME);
	xml_add_text(a, x, "tzo", NULL, tzo);
	xml_add_text(a, x, "utc", NULL, clock_stamp(now_ms, utc));
	return event_reply(ev, reply);
}

const struct module mod_time = {
	.name = "time",
	.features = (const char *const[]){ NS_TIME, NULL },
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_HOST, NS_TIME, "time", on_time },
			{ 0 },
		},
};
