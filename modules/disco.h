/* disco.h - what a host says about itself (XEP-0030). */
#ifndef MODULES_DISCO_H
#define MODULES_DISCO_H

#include <stddef.h>

struct arena;
struct event;
struct host;
struct xml;

/*
 * For handlers of HOOK_DISCO_INFO and HOOK_DISCO_NODE_INFO. Adding a feature
 * twice does no harm.
 */
void
disco_add_identity(struct arena *a, struct xml *query, const char *category,
		   const char *type, const char *name);
void disco_add_feature(struct arena *a, struct xml *query, const char *var);
/* An empty form of that FORM_TYPE (XEP-0128), and a field of it; n_values may
 * not be 0. */
struct xml *
disco_add_form(struct arena *a, struct xml *query, const char *form_type);
void disco_add_field(struct arena *a, struct xml *form, const char *var,
		     const char *const *values, size_t n_values);

/* All that the host answers to disco#info without a node, into an empty
 * <query/>. request: who asks, or NULL. */
void disco_host_info(struct host *host, const struct event *request,
		     struct arena *a, struct xml *query);

#endif
