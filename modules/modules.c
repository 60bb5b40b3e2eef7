/* modules.c - the list of modules. */

#include "core/module.h"

#define MODULE(name) extern const struct module mod_##name;
#include "modules/modules.def"
#undef MODULE

const struct module *const all_modules[] = {
#define MODULE(name) &mod_##name,
#include "modules/modules.def"
#undef MODULE
	NULL
};
