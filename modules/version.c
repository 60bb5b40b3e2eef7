/* version.c - what software this is (XEP-0092). */

#include "config.h"
#include "core/module.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml.h"

#include <sys/utsname.h>

struct version {      /* per host */
	bool show_os; /* option version-show-os */
};

static struct module_slot slot;

static const struct option options[] = {
	{ "version-show-os", OPT_BOOL, offsetof(struct version, show_os),
	  .def = "no",
	  .doc = "Tell whoever asks for the server's version also the "
		 "operating system." },
	{ 0 },
};

static enum verdict
on_version(struct event *ev, void *data)
{
	const struct version *version = data;
	struct stanza *reply = event_result(ev);
	struct arena *a = reply->arena;
	struct xml *x = xml_add(a, reply->root, "query", NS_VERSION);
	struct utsname os;

	xml_add_text(a, x, "name", NULL, "Banyan");
	xml_add_text(a, x, "version", NULL, PACKAGE_VERSION);
	if (version->show_os && uname(&os) == 0)
		xml_add_text(a, x, "os", NULL, os.sysname);
	return event_reply(ev, reply);
}

const struct module mod_version = {
	.name = "version",
	.slot = &slot,
	.features = (const char *const[]){ NS_VERSION, NULL },
	.options = options,
	.iqs =
		(const struct iq_handler[]){
			{ IQ_GET, TO_HOST, NS_VERSION, "query", on_version },
			{ 0 },
		},
	.host_size = sizeof(struct version),
};
