/* module.c - where the modules' data stands. */

#include "core/module.h"

#include "core/host.h"
#include "core/modules.h"
#include "core/session.h"

static size_t session_total, account_total;

/* Aligned for any pointer or 64-bit integer. */
static size_t
place(size_t *total, size_t size)
{
	size_t at = *total;

	*total += (size + 7) & ~(size_t)7;
	return at;
}

void
modules_place(void)
{
	session_total = sizeof(struct session);
	account_total = sizeof(struct account);
	for (unsigned i = 0; all_modules[i]; i++) {
		const struct module *m = all_modules[i];

		if (!m->slot)
			continue;
		m->slot->index = i;
		m->slot->session_offset =
			place(&session_total, m->session_size);
		m->slot->account_offset =
			place(&account_total, m->account_size);
	}
}

size_t
modules_session_size(void)
{
	return session_total;
}

size_t
modules_account_size(void)
{
	return account_total;
}

void *
host_data(const struct host *h, const struct module_slot *slot)
{
	return h->module_data[slot->index];
}

void *
session_data(struct session *s, const struct module_slot *slot)
{
	return (char *)s + slot->session_offset;
}

void *
account_data(struct account *a, const struct module_slot *slot)
{
	return (char *)a + slot->account_offset;
}
