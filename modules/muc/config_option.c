/* config_option.c - the table of options, and one of them as texts. */

#include "modules/muc/config_option.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "xmpp/jid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

#define AT(field)  offsetof(struct muc_config, field)
#define CONF(name) "muc#roomconfig_" name
#define INFO(name) "muc#roominfo_" name
/* Fields that nobody else has (XEP-0068 section 3.4). */
#define OURS(name) "{urn:xmpp:tmp:dmuc:1}" name

/* None of the values is empty: profanity 0.13 does not survive that. */
static const struct form_option presets[] = {
	{ OPTION_NO_PRESET, "As set below" },
	{ "temporary", "Temporary room" },
	{ "private-group", "Private group" },
	{ "public-channel", "Public channel" },
	{ 0 },
};

static const struct form_option pm_options[] = {
	[PM_ANYONE] = { "anyone", "Anyone" },
	[PM_PARTICIPANTS] = { "participants", "Anyone with Voice" },
	[PM_MODERATORS] = { "moderators", "Moderators Only" },
	[PM_NONE] = { "none", "Nobody" },
	{ 0 },
};

static const struct form_option whois_options[] = {
	[WHOIS_MODERATORS] = { "moderators", "Moderators Only" },
	[WHOIS_ANYONE] = { "anyone", "Anyone" },
	{ 0 },
};

static const struct form_option split_options[] = {
	[SPLIT_HOLD] = { "hold", "Wait for the Room" },
	[SPLIT_CONTINUE] = { "continue", "Go on Talking" },
	{ 0 },
};

static const struct form_option distribute_options[] = {
	[DISTRIBUTE_NO] = { "no", "None" },
	[DISTRIBUTE_YES] = { "yes", "All that Can" },
	[DISTRIBUTE_LISTED] = { "listed", "Those Listed Below" },
	{ 0 },
};

static const struct form_option role_options[] = {
	{ "moderator", "Moderator" },
	{ "participant", "Participant" },
	{ "visitor", "Visitor" },
	{ 0 },
};

#define ALL_ROLES \
	(1 << ROLE_VISITOR | 1 << ROLE_PARTICIPANT | 1 << ROLE_MODERATOR)

/* In the order of the form (XEP-0045 section 10.1.3); the labels are those of
 * 15.5.3. Presets: temporary, private group, public channel. */
const struct muc_option muc_options[] = {
	{ .kind = OPTION_PRESET,
	  .var = OURS("preset"),
	  .label = "Kind of Room, Which Sets What Is Not Changed Below",
	  .aliases = { "preset" },
	  .options = presets },
	{ .name = "name",
	  .kind = OPTION_TEXT,
	  .at = AT(name),
	  .var = CONF("roomname"),
	  .label = "Natural-Language Room Name",
	  .max = 256,
	  .info = { CONF("roomname") } },
	{ .name = "description",
	  .kind = OPTION_TEXT,
	  .at = AT(desc),
	  .var = CONF("roomdesc"),
	  .label = "Short Description of Room",
	  .max = 4096,
	  .info = { INFO("description") } },
	{ .name = "lang",
	  .kind = OPTION_TEXT,
	  .at = AT(lang),
	  .var = CONF("lang"),
	  .label = "Natural Language for Room Discussions",
	  .max = 64,
	  .info = { INFO("lang") } },
	{ .name = "archive",
	  .kind = OPTION_FLAG,
	  .at = AT(is_archived),
	  .var = CONF("enablearchiving"),
	  .label = "Whether to Archive Room Conversations for Its Users",
	  .aliases = { "mam", CONF("mam") },
	  .preset = { 0, 1, 1 },
	  .features = { NULL, "urn:xmpp:mam:2" },
	  .is_logging = true },
	{ .name = "logging",
	  .kind = OPTION_FLAG,
	  .at = AT(is_logged),
	  .var = CONF("enablelogging"),
	  .label = "Whether to Enable Public Logging of Room Conversations",
	  .is_logging = true },
	{ .name = "logs",
	  .kind = OPTION_TEXT,
	  .at = AT(logs),
	  .var = INFO("logs"),
	  .label = "URL for Archived Discussion Logs",
	  .max = 2048,
	  .info = { INFO("logs") } },
	{ .name = "change-subject",
	  .kind = OPTION_FLAG,
	  .at = AT(allow_subject),
	  .var = CONF("changesubject"),
	  .label = "Whether to Allow Occupants to Change Subject",
	  .preset = { 1, 1, 0 },
	  .info = { CONF("changesubject"), INFO("subjectmod") } },
	{ .name = "invites",
	  .kind = OPTION_FLAG,
	  .at = AT(allow_invites),
	  .var = CONF("allowinvites"),
	  .label = "Whether to Allow Members to Invite Others",
	  .aliases = { "{http://prosody.im/protocol/muc}"
		       "roomconfig_allowmemberinvites" },
	  .preset = { 1, 1, 1 },
	  .info = { CONF("allowinvites") } },
	{ .name = "private-messages",
	  .kind = OPTION_CHOICE,
	  .at = AT(allow_pm),
	  .var = CONF("allowpm"),
	  .label = "Roles that May Send Private Messages",
	  .options = pm_options,
	  .info = { CONF("allowpm") } },
	{ .name = "queries",
	  .kind = OPTION_FLAG,
	  .at = AT(allow_query),
	  .var = "allow_query_users",
	  .label = "Whether to Allow Occupants to Query Other Occupants",
	  .preset = { 1, 1, 1 } },
	{ .name = "max-users",
	  .kind = OPTION_USERS,
	  .at = AT(max_users),
	  .var = CONF("maxusers"),
	  .label = "Maximum Number of Room Occupants",
	  .max = 1000000 },
	{ .name = "presence-broadcast",
	  .kind = OPTION_ROLES,
	  .at = AT(presence_broadcast),
	  .var = CONF("presencebroadcast"),
	  .label = "Roles for which Presence is Broadcasted",
	  .options = role_options,
	  .preset = { ALL_ROLES, ALL_ROLES, ALL_ROLES } },
	{ .name = "get-members",
	  .kind = OPTION_ROLES,
	  .at = AT(get_members),
	  .var = CONF("getmemberlist"),
	  .label = "Roles and Affiliations that May Retrieve Member List",
	  .options = role_options,
	  .preset = { ALL_ROLES, ALL_ROLES, ALL_ROLES } },
	{ .name = "public",
	  .kind = OPTION_FLAG,
	  .at = AT(is_public),
	  .var = CONF("publicroom"),
	  .label = "Whether to Allow Public Searching for Room",
	  .preset = { 1, 0, 1 },
	  .features = { "muc_hidden", "muc_public" } },
	{ .name = "persistent",
	  .kind = OPTION_FLAG,
	  .at = AT(is_persistent),
	  .var = CONF("persistentroom"),
	  .label = "Whether to Make Room Persistent",
	  .preset = { 0, 1, 1 },
	  .features = { "muc_temporary", "muc_persistent" } },
	{ .name = "moderated",
	  .kind = OPTION_FLAG,
	  .at = AT(is_moderated),
	  .var = CONF("moderatedroom"),
	  .label = "Whether to Make Room Moderated",
	  .features = { "muc_unmoderated", "muc_moderated" } },
	{ .name = "visitor-nick",
	  .kind = OPTION_FLAG,
	  .at = AT(allow_visitor_nick),
	  .var = CONF("allowvisitornickchange"),
	  .label = "Whether to Allow Visitors to Change Nickname",
	  .preset = { 1, 1, 1 } },
	{ .name = "visitor-status",
	  .kind = OPTION_FLAG,
	  .at = AT(allow_visitor_status),
	  .var = CONF("allowvisitorstatus"),
	  .label = "Whether to Allow Visitors to Send Status Text",
	  .preset = { 1, 1, 1 } },
	{ .name = "voice-requests",
	  .kind = OPTION_FLAG,
	  .at = AT(allow_voice_requests),
	  .var = CONF("allowvoicerequests"),
	  .label = "Whether to Allow Visitors to Request Voice",
	  .preset = { 1, 1, 1 } },
	{ .name = "members-only",
	  .kind = OPTION_FLAG,
	  .at = AT(is_members_only),
	  .var = CONF("membersonly"),
	  .label = "Whether to Make Room Members-Only",
	  .preset = { 0, 1, 0 },
	  .features = { "muc_open", "muc_membersonly" } },
	{ .kind = OPTION_PROTECTED,
	  .at = AT(password),
	  .var = CONF("passwordprotectedroom"),
	  .label = "Whether a Password is Required to Enter",
	  .features = { "muc_unsecured", "muc_passwordprotected" } },
	{ .name = "password",
	  .kind = OPTION_SECRET,
	  .at = AT(password),
	  .var = CONF("roomsecret"),
	  .label = "The Room Password",
	  .max = 1023 },
	{ .name = "whois",
	  .kind = OPTION_CHOICE,
	  .at = AT(whois),
	  .var = CONF("whois"),
	  .label = "Affiliations that May Discover Real JIDs of Occupants",
	  .options = whois_options,
	  .preset = { WHOIS_MODERATORS, WHOIS_ANYONE, WHOIS_MODERATORS },
	  .features = { "muc_semianonymous", "muc_nonanonymous" } },
	{ .name = "history",
	  .kind = OPTION_NUMBER,
	  .at = AT(history),
	  .var = "muc#maxhistoryfetch",
	  .label = "Maximum Number of History Messages Returned by Room",
	  .aliases = { CONF("historylength") },
	  .max = 100000,
	  .preset = { 20, 20, 20 },
	  .info = { "muc#maxhistoryfetch" } },
	{ .name = "slow-mode",
	  .kind = OPTION_NUMBER,
	  .at = AT(slow_mode_s),
	  .var = CONF("slow_mode_duration"),
	  .label = "Slow Mode: Seconds Between Two Messages, or 0",
	  .max = 86400,
	  .info = { INFO("slow_mode_duration") } },
	{ .name = "hats",
	  .kind = OPTION_FLAG,
	  .at = AT(shows_hats),
	  .var = OURS("hats"),
	  .label = "Whether Owners, Admins and Moderators Wear Hats",
	  .features = { NULL, "urn:xmpp:hats:0" } },
	{ .name = "pubsub",
	  .kind = OPTION_TEXT,
	  .at = AT(pubsub),
	  .var = CONF("pubsub"),
	  .label = "XMPP URI of Associated Publish-Subscribe Node",
	  .max = 2048,
	  .info = { CONF("pubsub") } },
	{ .name = "contacts",
	  .kind = OPTION_JIDS,
	  .at = AT(contacts),
	  .var = INFO("contactjid"),
	  .label = "Contact Addresses (normally, room owner or owners)",
	  .max = 4096,
	  .info = { INFO("contactjid") } },
	{ .name = "avatar",
	  .kind = OPTION_HASHES,
	  .at = AT(avatar),
	  .var = INFO("avatarhash"),
	  .label = "Hash of the vCard-temp avatar of this room",
	  .max = 1024,
	  .info = { INFO("avatarhash") } },
	{ .name = "split",
	  .kind = OPTION_CHOICE,
	  .at = AT(split),
	  .var = OURS("split"),
	  .label = "What Servers Do When They Lose the Room",
	  .options = split_options },
	{ .name = "distribute",
	  .kind = OPTION_CHOICE,
	  .at = AT(distribute),
	  .var = OURS("distribute"),
	  .label = "Servers that May Have a Copy of the Room for Their Users",
	  .options = distribute_options,
	  .preset = { DISTRIBUTE_YES, DISTRIBUTE_YES, DISTRIBUTE_YES } },
	{ .name = "copies",
	  .kind = OPTION_JIDS,
	  .at = AT(copies),
	  .var = OURS("distribute-to"),
	  .label = "Domains of Servers that May Have a Copy",
	  .max = 4096 },
	{ .name = "relays",
	  .kind = OPTION_JIDS,
	  .at = AT(relays),
	  .var = OURS("relays"),
	  .label = "Domains of Servers that Pass the Room on to Others",
	  .max = 4096 },
	{ 0 },
};

/* ---- one option ---- */

/* The form offers none of them, too. */
const char *
muc_preset_name(enum muc_preset preset)
{
	return presets[preset + 1].value;
}

int
muc_preset_parse(const char *name, enum muc_preset *out)
{
	for (int i = 0; i < N_PRESETS; i++) {
		if (!strcmp(presets[i + 1].value, name)) {
			*out = (enum muc_preset)i;
			return 0;
		}
	}
	return -1;
}

static char **
text_of(const struct muc_option *o, const struct muc_config *c)
{
	return (char **)((char *)c + o->at);
}

bool
muc_option_is_for(const struct muc_option *o, const struct muc_limits *limits)
{
	return !limits || !limits->no_relays || o->at != AT(relays);
}

bool
muc_option_is_text(const struct muc_option *o)
{
	return o->kind == OPTION_TEXT || o->kind == OPTION_SECRET ||
	       o->kind == OPTION_JIDS || o->kind == OPTION_HASHES;
}

bool
muc_option_has_presets(const struct muc_option *o)
{
	return o->preset[0] != o->preset[1] || o->preset[0] != o->preset[2];
}

int
muc_option_number(const struct muc_option *o, const struct muc_config *c)
{
	const char *at = (const char *)c + o->at;
	int number;

	switch (o->kind) {
	case OPTION_FLAG:
		return *(const bool *)at;
	case OPTION_CHOICE:
	case OPTION_ROLES:
	case OPTION_NUMBER:
	case OPTION_USERS:
		memcpy(&number, at, sizeof(number));
		return number;
	case OPTION_PROTECTED:
		return c->password != NULL;
	default:
		return 0;
	}
}

void
muc_option_set_number(const struct muc_option *o, struct muc_config *c,
		      int number)
{
	char *at = (char *)c + o->at;

	if (o->kind == OPTION_FLAG)
		*(bool *)at = number != 0;
	else
		memcpy(at, &number, sizeof(number));
}

/* Takes text; "" is none. */
static void
set_text(const struct muc_option *o, struct muc_config *c, char *text)
{
	char **at = text_of(o, c);

	free(*at);
	*at = text;
	if (text && !*text) {
		free(text);
		*at = NULL;
	}
}

void
muc_option_clear(const struct muc_option *o, struct muc_config *c)
{
	if (o->name && muc_option_is_text(o))
		set_text(o, c, NULL);
}

bool
muc_option_eq(const struct muc_option *o, const struct muc_config *a,
	      const struct muc_config *b)
{
	const char *x, *y;

	if (!muc_option_is_text(o))
		return muc_option_number(o, a) == muc_option_number(o, b);
	x = *text_of(o, a);
	y = *text_of(o, b);
	return x && y ? !strcmp(x, y) : x == y;
}

void
muc_option_copy(const struct muc_option *o, struct muc_config *to,
		const struct muc_config *from)
{
	const char *text;

	if (!o->name)
		return;
	if (!muc_option_is_text(o)) {
		muc_option_set_number(o, to, muc_option_number(o, from));
		return;
	}
	text = *text_of(o, from);
	set_text(o, to, text ? mem_strdup(text) : NULL);
}

/* ---- values ---- */

int
muc_option_limit(const struct muc_option *o, const struct muc_limits *limits)
{
	int limit = 0;

	if (limits && o->kind == OPTION_USERS)
		limit = limits->max_users;
	else if (limits && o->at == AT(history))
		return limits->max_history < o->max ? limits->max_history
						    : o->max;
	return limit > 0 && limit < o->max ? limit : o->max;
}

static const char *
number_text(struct arena *a, const struct muc_option *o,
	    const struct muc_config *c, const struct muc_limits *limits)
{
	int number = muc_option_number(o, c),
	    limit = muc_option_limit(o, limits);

	if (o->kind == OPTION_USERS && number == 0)
		return "none";
	return arena_printf(a, "%d", number < limit ? number : limit);
}

static size_t
role_values(const struct muc_option *o, unsigned roles, const char **values)
{
	size_t n = 0;

	for (const struct form_option *f = o->options; f->value; f++) {
		enum role role;

		if (role_parse(f->value, &role) == 0 && roles & 1u << role)
			values[n++] = f->value;
	}
	return n;
}

const char **
muc_option_split(struct arena *a, const char *text, char at)
{
	const char separator[] = { at, '\0' };
	size_t n = 1;
	const char **values;
	char *rest = arena_strdup(a, text), *value;

	for (const char *s = text; *s; s++)
		n += *s == at;
	values = arena_alloc(a, (n + 1) * sizeof(*values));
	n = 0;
	while ((value = strsep(&rest, separator)) != NULL)
		values[n++] = value;
	values[n] = NULL;
	return values;
}

const char **
muc_option_values(struct arena *a, const struct muc_option *o,
		  const struct muc_config *c, const struct muc_limits *limits)
{
	const char **values = arena_zalloc(a, (N_ROLES + 1) * sizeof(*values));

	switch (o->kind) {
	case OPTION_TEXT:
	case OPTION_SECRET:
		values[0] = *text_of(o, c);
		break;
	case OPTION_JIDS:
		if (*text_of(o, c))
			return muc_option_split(a, *text_of(o, c), '\n');
		break;
	case OPTION_HASHES:
		if (*text_of(o, c))
			return muc_option_split(a, *text_of(o, c), ' ');
		break;
	case OPTION_FLAG:
	case OPTION_PROTECTED:
		values[0] = muc_option_number(o, c) ? "1" : "0";
		break;
	case OPTION_CHOICE:
		values[0] = o->options[muc_option_number(o, c)].value;
		break;
	case OPTION_ROLES:
		role_values(o, (unsigned)muc_option_number(o, c), values);
		break;
	case OPTION_NUMBER:
	case OPTION_USERS:
		values[0] = number_text(a, o, c, limits);
		break;
	case OPTION_PRESET:
		values[0] = OPTION_NO_PRESET;
		break;
	}
	return values;
}

static int
parse_text(const struct muc_option *o, struct muc_config *c,
	   const char **values, struct err *err)
{
	struct buf b = { 0 };
	char *text;
	size_t len;

	for (; *values; values++) {
		if (b.len && o->kind == OPTION_TEXT)
			buf_addc(&b, ' ');
		buf_adds(&b, *values);
	}
	text = buf_take(&b);
	if (o->kind == OPTION_TEXT) {
		for (char *s = text; *s; s++)
			*s = (unsigned char)*s < ' ' ? ' ' : *s;
		len = strspn(text, " ");
		memmove(text, text + len, strlen(text + len) + 1);
		for (len = strlen(text); len && text[len - 1] == ' '; len--)
			text[len - 1] = '\0';
	}
	if (strlen(text) > (size_t)o->max) {
		free(text);
		return err_set(err, "field %s: more than %d bytes", o->var,
			       o->max);
	}
	set_text(o, c, text);
	return 0;
}

static int
parse_jids(const struct muc_option *o, struct muc_config *c,
	   const char **values, struct err *err)
{
	struct buf b = { 0 };
	int ret = 0;

	for (; *values && ret == 0; values++) {
		struct jid *jid = jid_parse(*values);

		if (!jid && **values)
			ret = err_set(err, "field %s: not an address: %.100s",
				      o->var, *values);
		if (jid && b.len)
			buf_addc(&b, '\n');
		if (jid)
			buf_adds(&b, jid_bare_str(jid));
		jid_unref(&jid);
	}
	if (ret == 0 && b.len > (size_t)o->max)
		ret = err_set(err, "field %s: more than %d bytes", o->var,
			      o->max);
	if (ret == 0)
		set_text(o, c, buf_take(&b));
	buf_fini(&b);
	return ret;
}

static int
find_option(const struct muc_option *o, const char *value)
{
	for (int i = 0; o->options[i].value; i++) {
		if (!strcmp(o->options[i].value, value))
			return i;
	}
	return -1;
}

static int
parse_roles(const struct muc_option *o, struct muc_config *c,
	    const char **values, struct err *err)
{
	unsigned roles = 0;

	for (; *values; values++) {
		enum role role;

		if (!**values)
			continue;
		if (find_option(o, *values) < 0 || role_parse(*values, &role))
			return err_set(err,
				       "field %s: not one of the options: "
				       "%.100s",
				       o->var, *values);
		roles |= 1u << role;
	}
	muc_option_set_number(o, c, (int)roles);
	return 0;
}

static int
parse_number(const struct muc_option *o, const char *value, int limit,
	     int *number_out, struct err *err)
{
	char *end;
	long n;

	if (o->kind == OPTION_USERS && !strcmp(value, "none")) {
		*number_out = 0;
		return 0;
	}
	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || *end || strspn(value, "0123456789") != strlen(value))
		return err_set(err, "field %s: not a number: %.100s", o->var,
			       value);
	if (n > limit)
		return err_set(err, "field %s: at most %d", o->var, limit);
	*number_out = (int)n;
	return 0;
}

static int
parse_single(const struct muc_option *o, struct muc_config *c,
	     const char *value, const struct muc_limits *limits,
	     struct err *err)
{
	int number = 0;

	switch (o->kind) {
	case OPTION_FLAG:
		number = form_parse_bool(value);
		if (number < 0)
			return err_set(err,
				       "field %s is neither true nor false",
				       o->var);
		break;
	case OPTION_CHOICE:
		number = find_option(o, value);
		if (number < 0)
			return err_set(err,
				       "field %s: not one of the options: "
				       "%.100s",
				       o->var, value);
		break;
	default:
		if (parse_number(o, value, muc_option_limit(o, limits), &number,
				 err) < 0)
			return -1;
	}
	muc_option_set_number(o, c, number);
	return 0;
}

int
muc_option_set(const struct muc_option *o, struct muc_config *c,
	       const char **values, const struct muc_limits *limits,
	       struct err *err)
{
	if (!o->name)
		return 0;
	if (o->kind == OPTION_JIDS)
		return parse_jids(o, c, values, err);
	if (o->kind == OPTION_ROLES)
		return parse_roles(o, c, values, err);
	if (values[0] && values[1] && o->kind != OPTION_TEXT)
		return err_set(err, "field %s has more than one value", o->var);
	if (muc_option_is_text(o))
		return parse_text(o, c, values, err);
	if (!values[0] || !*values[0])
		return 0;
	return parse_single(o, c, values[0], limits, err);
}
