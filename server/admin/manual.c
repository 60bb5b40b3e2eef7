/* manual.c - banyan(1) and banyan.conf(5) in mdoc(7), from the tables. */

#include "admin/commands.h"
#include "admin/help.h"
#include "config.h"
#include "core/config.h"
#include "core/host.h"
#include "core/module.h"
#include "core/remote.h"
#include "core/server.h"

#include <stdlib.h>
#include <string.h>

/* A sentence begins a new line; what roff would take for a request does not. */
static void
put_text(FILE *to, const char *s, size_t len)
{
	bool at_start = true;

	for (size_t i = 0; i < len; i++) {
		if (at_start && (s[i] == '.' || s[i] == '\''))
			fputs("\\&", to);
		at_start = false;
		if (s[i] == '\\') {
			fputs("\\e", to);
		} else if (s[i] == '-') {
			fputs("\\-", to);
		} else if (s[i] == ' ' && i && s[i - 1] == '.') {
			fputc('\n', to);
			at_start = true;
		} else {
			fputc(s[i], to);
		}
	}
}

static void
put(FILE *to, const char *s)
{
	put_text(to, s, strlen(s));
}

/* --- banyan.conf(5) */

/* The page is the same wherever it was built. */
static void
put_default(FILE *to, const char *def)
{
	static const struct {
		const char *from, *to;
	} places[] = { { SYSCONFDIR, "/etc" }, { LOCALSTATEDIR, "/var" } };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t len = strlen(places[i].from);

		if (!strncmp(def, places[i].from, len) && def[len] == '/') {
			put(to, places[i].to);
			def += len;
			break;
		}
	}
	put(to, def);
}

static void
put_list(FILE *to, const char *def)
{
	const char *mark = "{ ";

	while (*def) {
		int len = (int)strcspn(def, " ");

		fprintf(to, "%s\"%.*s\"", mark, len, def);
		def += len;
		def += *def == ' ';
		mark = ", ";
	}
	fputs(" }", to);
}

static void
conf_option(FILE *to, const struct option *o)
{
	char *expects = option_expects(o);

	fprintf(to, ".It Ic %s\n", o->name);
	put(to, o->doc);
	fputs("\n.br\nValue: ", to);
	put(to, expects);
	if (o->def && *o->def) {
		fputs("; default: ", to);
		if (o->type == OPT_LIST)
			put_list(to, o->def);
		else
			put_default(to, o->def);
	}
	fputs(".\n", to);
	if (o->needs_restart)
		fputs("A change takes effect at the next start.\n", to);
	free(expects);
}

static void
conf_table(FILE *to, const struct option *table)
{
	fputs(".Bl -tag -width 4n\n", to);
	for (const struct option *o = table; o && o->name; o++)
		conf_option(to, o);
	fputs(".El\n", to);
}

static const char conf_head[] =
	".\\\" Printed by `banyan help --man-conf' from the tables of "
	"options.\n"
	".Dd Banyan " PACKAGE_VERSION "\n"
	".Dt BANYAN.CONF 5\n"
	".Os\n"
	".nh\n"
	".Sh NAME\n"
	".Nm banyan.conf\n"
	".Nd configuration of the Banyan XMPP server\n"
	".Sh DESCRIPTION\n"
	"The file has settings, each a name,\n"
	".Ql = ,\n"
	"and a value, and sections for hosts, components and other servers.\n"
	"The smallest one is\n"
	".Bd -literal -offset indent\n"
	"host \"example.org\" {}\n"
	".Ed\n"
	".Pp\n"
	"Settings of the server stand at the top of the file, outside of all\n"
	"sections.\n"
	"Settings of hosts and modules stand in a host's section; at the top\n"
	"they are the defaults of all hosts.\n"
	".Pp\n"
	"A value is a word or a text in quotes; it needs them where it has\n"
	"blanks or any of\n"
	".Ql # \\(dq ' = { } ( ) + \\&, .\n"
	"A list stands in braces with commas between its items.\n"
	"Sizes take the units K, M and G, times ms, s, m, h and d.\n"
	"In double quotes, and as a word of its own,\n"
	".Li ${NAME}\n"
	"stands for a variable of the environment.\n"
	"Comments begin with\n"
	".Ql #\n"
	"or\n"
	".Ql //\n"
	"and end with the line, or stand between\n"
	".Ql /*\n"
	"and\n"
	".Ql */ .\n"
	".Li include(\\(dqFILE\\(dq)\n"
	"reads another file in its place; its path, like all paths in the\n"
	"configuration, begins at the folder of the file that has it, or for\n"
	"settings of the main file.\n"
	".Pp\n"
	".Ic banyan check\n"
	"finds mistakes without starting the server;\n"
	".Ic banyan reload\n"
	"takes changes over.\n";

static const char conf_tail[] =
	".Sh EXAMPLES\n"
	"Two hosts, an administrator, a gateway and other servers:\n"
	".Bd -literal -offset indent\n"
	"certificates-dir = \"/etc/letsencrypt/live\"\n"
	"stanza-max = 128K\n"
	"\n"
	"host \"example.org\" {\n"
	"\tadmins = { \"romeo@example.org\" }\n"
	"}\n"
	"host \"example.net\" {\n"
	"\toffline-max = 100\n"
	"\tdisabled-modules = { \"version\" }\n"
	"}\n"
	"component \"gateway.example.org\" {\n"
	"\tsecret = \"${GATEWAY_SECRET}\"\n"
	"}\n"
	"remote \"*.partner.example\" {\n"
	"\trequire-certificate = yes\n"
	"}\n"
	".Ed\n"
	".Sh FILES\n"
	".Bl -tag -width 4n\n"
	".It Pa /etc/banyan/banyan.conf\n"
	"Where it is looked for unless\n"
	".Xr banyan 1\n"
	"is told something else.\n"
	".El\n"
	".Sh SEE ALSO\n"
	".Xr banyan 1\n";

void
help_man_conf(FILE *to)
{
	fputs(conf_head, to);
	fputs(".Sh SERVER\n", to);
	conf_table(to, server_options);
	fputs(".Sh HOSTS\n"
	      ".Ss In host sections, or at the top for all hosts\n",
	      to);
	conf_table(to, host_options);
	for (const struct module *const *m = all_modules; *m; m++) {
		if (!(*m)->options)
			continue;
		fprintf(to, ".Ss Module %s\n", (*m)->name);
		conf_table(to, (*m)->options);
	}
	fputs(".Sh COMPONENTS\n", to);
	conf_table(to, component_options);
	fputs(".Sh REMOTES\n"
	      "A section is for one domain of another server, or with\n"
	      ".Ql *.\n"
	      "before it for all domains below; of several, the section with\n"
	      "the exact name counts, or else the one with the longest.\n",
	      to);
	conf_table(to, remote_options);
	fputs(conf_tail, to);
}

/* --- banyan(1) */

static const char man_head[] =
	".\\\" Printed by `banyan help --man' from the tables of commands.\n"
	".Dd Banyan " PACKAGE_VERSION "\n"
	".Dt BANYAN 1\n"
	".Os\n"
	".nh\n"
	".Sh NAME\n"
	".Nm banyan\n"
	".Nd XMPP server\n"
	".Sh SYNOPSIS\n"
	".Nm\n"
	".Op Fl c Ar FILE\n"
	".Ar COMMAND\n"
	".Op Ar ARGUMENT ...\n"
	".Sh DESCRIPTION\n"
	".Nm\n"
	"is an XMPP server and the tool that administers it.\n"
	".Ic serve\n"
	"runs the server; commands for accounts and hosts act on the server\n"
	"that runs, over a control socket in its data directory, or on its\n"
	"database where none runs.\n"
	".Pp\n"
	"Every command takes\n"
	".Fl \\-help .\n"
	".Bl -tag -width 4n\n"
	".It Fl c Ar FILE , Fl \\-config Ar FILE\n"
	"The configuration,\n"
	".Xr banyan.conf 5 .\n"
	"By default the one that\n"
	".Ev BANYAN_CONF\n"
	"names, or\n"
	".Pa /etc/banyan/banyan.conf .\n"
	".El\n"
	".Sh COMMANDS\n";

static const char man_tail[] =
	".Sh SIGNALS\n"
	"Of\n"
	".Ic banyan serve .\n"
	".Bl -tag -width 4n\n"
	".It Dv SIGHUP\n"
	"Read configuration and certificates again.\n"
	"Connections stay.\n"
	".It Dv SIGTERM , SIGINT\n"
	"Stop: clients are told, what they sent is stored, and the program\n"
	"ends with code 0 within five seconds.\n"
	".El\n"
	".Sh ENVIRONMENT\n"
	".Bl -tag -width 4n\n"
	".It Ev BANYAN_CONF\n"
	"The configuration where\n"
	".Fl c\n"
	"is not given.\n"
	".It Ev NOTIFY_SOCKET\n"
	"Where systemd is told when the server is ready.\n"
	".El\n"
	".Sh FILES\n"
	"In the data directory (by default\n"
	".Pa /var/lib/banyan ) :\n"
	".Bl -tag -width 4n\n"
	".It Pa banyan.sqlite\n"
	"The database.\n"
	".It Pa secret\n"
	"What makes log-ins of unknown users look like others.\n"
	"It belongs to the database: keep both together.\n"
	".It Pa control\n"
	"The control socket.\n"
	".It Pa lock\n"
	"Held while a process works on the directory.\n"
	".El\n"
	".Sh EXIT STATUS\n"
	".Bl -tag -width 4n\n"
	".It 0\n"
	"Done.\n"
	".It 1\n"
	"Failed; standard error says why.\n"
	".It 2\n"
	"Wrong usage.\n"
	".It 3\n"
	"The command needs a server that runs, and none does.\n"
	".El\n"
	".Sh EXAMPLES\n"
	".Bd -literal -offset indent\n"
	"banyan -c banyan.conf check\n"
	"banyan -c banyan.conf serve --log-format json\n"
	"banyan user add romeo@example.org\n"
	"pwgen 20 1 | banyan user passwd romeo@example.org --password-stdin\n"
	"banyan status --json\n"
	".Ed\n"
	".Sh SEE ALSO\n"
	".Xr banyan.conf 5\n";

static void
man_command(FILE *to, const struct command *cmd)
{
	fprintf(to, ".It Ic %s", cmd->name);
	if (*cmd->usage) {
		fputs(" Ns \\ ", to);
		put(to, cmd->usage);
	}
	fputc('\n', to);
	put(to, cmd->doc);
	fputc('\n', to);
}

void
help_man(FILE *to, const struct command *local)
{
	const struct command *cmd;

	fputs(man_head, to);
	fputs(".Bl -tag -width 4n\n", to);
	for (; local->name; local++)
		man_command(to, local);
	for (size_t i = 0; (cmd = command_nth(i)); i++)
		man_command(to, cmd);
	fputs(".El\n", to);
	fputs(man_tail, to);
}
