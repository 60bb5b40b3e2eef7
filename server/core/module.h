/*
 * module.h - a feature: one const table that says all of what it does.
 *
 * modules/modules.def lists the modules; each host loads those that its
 * configuration does not switch off. Everything runs on the core thread.
 */
#ifndef CORE_MODULE_H
#define CORE_MODULE_H

#include "core/event.h"
#include "core/hook.h"
#include "core/iq.h"
#include "core/option.h"

#include <stddef.h>

struct account;
struct command;
struct err;
struct host;
struct session;

/* Where a module's data stands in a host, session or account: filled by the
 * core at start. A module with such data has one static, named in its table. */
struct module_slot {
	unsigned index;
	size_t session_offset, account_offset;
};

struct module {
	const char *name;
	struct module_slot *slot; /* may be NULL where the sizes are 0 */
	/* Other modules that must be there; loaded before. NULL-terminated. */
	const char *const *needs;
	/* disco#info features of the host, and of accounts' bare JIDs. */
	const char *const *features, *const *account_features;
	/* Offsets into the host data. */
	const struct option *options;
	const struct hook *hooks;
	const struct iq_handler *iqs;
	/* Commands of the control socket (core/command.h). */
	const struct command *commands;
	/* Zeroed memory that the core allocates for each. */
	size_t host_size, session_size, account_size;
	/* data: the host data with options filled in. err: why not. */
	int (*load)(struct host *host, void *data, struct err *err);
	/* Options have been read again. */
	void (*reloaded)(struct host *host, void *data);
	void (*unload)(struct host *host, void *data);
	/* The memory of one session or account is about to go. */
	void (*session_fini)(struct session *s, void *data);
	void (*account_fini)(struct account *a, void *data);
};

/* The module's data there. NULL from host_data where the host has not loaded
 * it. */
void *host_data(const struct host *h, const struct module_slot *slot);
void *session_data(struct session *s, const struct module_slot *slot);
void *account_data(struct account *a, const struct module_slot *slot);

/* All of modules.def, NULL-terminated. */
extern const struct module *const all_modules[];

#endif
