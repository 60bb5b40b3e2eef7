/* private.h - what the sources of this module share. */
#ifndef ADMIN_PRIVATE_H
#define ADMIN_PRIVATE_H

#include "core/users.h"
#include "modules/commands.h"
#include "xmpp/form.h"

#include <stdint.h>

struct jid;

/* The command's field "accountjid", prepared: an account of this host, as far
 * as its name goes. NULL: it is none. It lives as long as the execution. */
struct jid *admin_account(struct command_run *run);
/* For who has no such account. */
enum verdict admin_not_ours(struct command_run *run);
/* What a store or core/users.h has said; USER_OK completes. */
enum verdict admin_finish(struct command_run *run, enum user_status status);
/* Who has done what with whom. */
void
admin_log(struct command_run *run, const char *what, const struct jid *jid);

/* Wall time of the newest log-in of an account that is online, or 0. */
int64_t admin_online_since(struct command_run *run, const struct jid *jid);

/* Of a table of fields. */
extern const struct form_field admin_one_account[];
extern const struct form_field admin_some_accounts[];

/* accounts.c */
enum verdict admin_add_user(struct command_run *run);
enum verdict admin_change_password(struct command_run *run);
extern const struct command_stage admin_edit_stages[];

/* several.c */
enum verdict admin_delete(struct command_run *run);
enum verdict admin_disable(struct command_run *run);
enum verdict admin_reenable(struct command_run *run);
enum verdict admin_end_session(struct command_run *run);
enum verdict admin_get_roster(struct command_run *run);
enum verdict admin_get_last(struct command_run *run);

/* lists.c */
extern const struct form_field admin_list_fields[];
const char *
admin_list_value(struct command_run *run, const struct form_field *field);
enum verdict admin_count_registered(struct command_run *run);
enum verdict admin_count_disabled(struct command_run *run);
enum verdict admin_count_online(struct command_run *run);
enum verdict admin_count_active(struct command_run *run);
enum verdict admin_count_idle(struct command_run *run);
enum verdict admin_list_registered(struct command_run *run);
enum verdict admin_list_disabled(struct command_run *run);
enum verdict admin_list_online(struct command_run *run);
enum verdict admin_list_active(struct command_run *run);
enum verdict admin_list_idle(struct command_run *run);
enum verdict admin_announce(struct command_run *run);

/* stats.c */
enum verdict admin_stats(struct command_run *run);

#endif
