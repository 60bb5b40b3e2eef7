/* muc_fixture.h - options of rooms in tests. */
#ifndef MUC_FIXTURE_H
#define MUC_FIXTURE_H

#include "modules/muc/config.h"

/* For a checked fixture. */
void fix_setup(void);
void fix_teardown(void);

/* What is handed out below lives in it; may be replaced by a new one. */
extern struct arena *fix_arena;
/* A temporary room. */
extern struct muc_config fix_plain;
/* Each option other than there, as text, in its order. */
extern const char fix_all_set[];

/* What is stored, there and back; it has to be right. */
void fix_read(struct muc_config *c, const char *text);
const char *fix_text(const struct muc_config *c);
/* What of the text of `now` is not in that of `old`: lines, and -name where an
 * option has gone. Until the next call. */
const char *
fix_changes(const struct muc_config *old, const struct muc_config *now);
/* Whatever was read can be written, and is the same when it is read again. */
void fix_check_sound(const struct muc_config *c);
/* The same numbers in each run. */
unsigned fix_draw(unsigned below);

#endif
