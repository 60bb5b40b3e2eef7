/* disco.h - what a host says about itself (XEP-0030). */
#ifndef MODULES_DISCO_H
#define MODULES_DISCO_H

struct arena;
struct event;
struct host;
struct xml;

/*
 * For handlers of HOOK_DISCO_INFO and HOOK_DISCO_NODE_INFO. Adding a feature
 * twice does no harm. Forms (XEP-0128): form_add_results (xmpp/form.h).
 */
void
disco_add_identity(struct arena *a, struct xml *query, const char *category,
		   const char *type, const char *name);
void disco_add_feature(struct arena *a, struct xml *query, const char *var);
/* All that the host answers to disco#info without a node, into an empty
 * <query/>. request: who asks, or NULL. */
void disco_host_info(struct host *host, const struct event *request,
		     struct arena *a, struct xml *query);

#endif
