// SPDX-License-Identifier: GPL-2.0-only
/* frees.c - what frees a port: the command, and as fields. */
#include <stdio.h>
#include <string.h>

#include "listing_port.h"
#include "units.h"
#include "walk.h"
#include "who_private.h"

#define COMMAND_SIZE 1024

/* What a shell takes as it is, or in quotes: "\x2d" is in names of units.  False: nobody has such a name. */
static bool is_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    ":_.@/\\-";

	return name && *name && *name != '-' && strlen(name) < 256 && !name[strspn(name, plain)];
}

static int put_name(char *out, size_t size, const char *before, const char *name)
{
	const char *quote = strchr(name, '\\') ? "'" : "";

	return snprintf(out, size, "%s %s%s%s", before, quote, name, quote);
}

static bool command_of_unit(char *out, size_t size, const struct who *who, const struct frees *f)
{
	const char *user = f->of_user ? who->style.user_name(f->uid) : NULL;
	char before[300] = "systemctl stop";

	if (!is_plain(f->unit) || (f->of_user && !is_plain(user)))
		return false;
	if (f->of_user)
		snprintf(before, sizeof(before), "systemctl --user -M %s@ stop", user);
	put_name(out, size, before, f->unit);
	return true;
}

/* The socket unit, which would start the service again, and the service. */
static bool command_of_systemd(char *out, size_t size, const struct who *who, const struct frees *f)
{
	const struct listing_socket *s = f->socket;
	char text[600];
	int len;

	if (!who->socket_unit ||
	    who->socket_unit(s->protocol, s->local.port, text, sizeof(text)) != 1)
		return false;
	text[strcspn(text, " ")] = '\0';
	if (!is_plain(text) || (f->unit && !is_plain(f->unit)))
		return false;
	len = put_name(out, size, "systemctl stop", text);
	if (f->unit)
		put_name(out + len, size - (size_t)len, "", f->unit);
	return true;
}

static bool command_of_container(char *out, size_t size, const struct frees *f)
{
	static const char *const stop[] = {[RUNTIME_DOCKER] = "docker stop",
					   [RUNTIME_PODMAN] = "podman stop",
					   [RUNTIME_LXC] = "lxc-stop -n"};
	size_t space = strcspn(f->container, "/");

	if (!is_plain(f->container))
		return false;
	if (f->how == FREES_POD)
		snprintf(out, size, "kubectl delete pod -n %.*s %s", (int)space, f->container,
			 f->container + space + 1);
	else
		put_name(out, size, stop[f->runtime], f->container);
	return true;
}

static void command_of_kill(char *out, size_t size, const struct frees *f)
{
	int len = snprintf(out, size, "kill");

	for (size_t i = 0; i < f->pids; i++)
		len += snprintf(out + len, size - (size_t)len, " %u", f->pid[i]);
}

/* False: no command is known. */
static bool format_command(char out[COMMAND_SIZE], const struct who *who, const struct frees *f)
{
	switch (f->how) {
	case FREES_UNIT: return command_of_unit(out, COMMAND_SIZE, who, f);
	case FREES_SYSTEMD: return command_of_systemd(out, COMMAND_SIZE, who, f);
	case FREES_CONTAINER:
	case FREES_POD: return command_of_container(out, COMMAND_SIZE, f);
	case FREES_KILL: command_of_kill(out, COMMAND_SIZE, f); return true;
	case FREES_UNKNOWN:
	case FREES_WAIT:
	case FREES_PEER: break;
	}
	return false;
}

/* A port that Docker publishes is freed by its container; the program that forwards would be missed. */
static void find(struct frees *f, const struct who *who, const struct listing_socket *s)
{
	bool waits = who->socket_unit && !listing_has_peer(s), published = false;
	const struct listing_socket *behind =
		waits ? who_behind_forwarder(who, s, &published) : NULL;

	listing_frees(f, who->listing, s);
	if (published) {
		*f = (struct frees){.socket = s};
		if (behind)
			listing_frees(f, who->listing, behind);
		if (f->how != FREES_CONTAINER && f->how != FREES_POD)
			f->how = FREES_UNKNOWN;
	}
}

void who_say_frees(struct buffer *out, const struct who *who, const struct listing_socket *s)
{
	char command[COMMAND_SIZE], peer[INET_ENDPOINT_SIZE];
	struct frees f;

	find(&f, who, s);
	buffer_print(out, "  %-11s ", "freed by");
	if (format_command(command, who, &f)) {
		buffer_print(out, "%s\n", command);
	} else if (f.how == FREES_WAIT) {
		buffer_print(out,
			     "itself, %s %llu s; a server that sets SO_REUSEADDR need not wait\n",
			     s->since_ns ? "in" : "within",
			     (unsigned long long)((f.wait_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
	} else if (f.how == FREES_PEER) {
		inet_format_endpoint(peer, (enum family)s->family, s->mapped, &s->peer, NULL);
		buffer_print(out,
			     "its peer %s, when it answers or closes, or the kernel gives up\n",
			     peer);
	} else {
		buffer_print(out, "unknown\n");
	}
}

static const char *how_name(enum frees_how how)
{
	switch (how) {
	case FREES_UNIT:
	case FREES_SYSTEMD: return "stop-unit";
	case FREES_CONTAINER: return "stop-container";
	case FREES_POD: return "delete-pod";
	case FREES_KILL: return "kill";
	case FREES_WAIT: return "wait";
	case FREES_PEER: return "peer";
	case FREES_UNKNOWN: break;
	}
	return "";
}

void walk_frees(struct writer *w, const struct who *who, const struct listing_socket *s)
{
	const struct spelling *spell = w->spelling;
	char command[COMMAND_SIZE];
	struct frees f;
	bool has_command;

	find(&f, who, s);
	has_command = format_command(command, who, &f);
	if (!has_command && f.how != FREES_WAIT && f.how != FREES_PEER) {
		spell->absent(w, FIELD_FREES);
		return;
	}
	spell->open(w, FIELD_FREES, NEST_OBJECT);
	spell->word(w, FIELD_HOW, how_name(f.how));
	if (has_command)
		spell->text(w, FIELD_COMMAND, command, strlen(command));
	if (f.how == FREES_WAIT)
		spell->number(w, FIELD_WAIT_S, (f.wait_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
	spell->close(w, NEST_OBJECT);
}

static const char *reach_name(const struct who *who, const struct listing_socket *s)
{
	switch (listing_reach(s)) {
	case REACH_EVERYWHERE: return "everywhere";
	case REACH_ADDRESS: return "address";
	case REACH_LINK: return "link";
	case REACH_HERE: break;
	}
	return s->netns == who->own_netns ? "host" : "namespace";
}

void walk_who(struct writer *w, const struct who *who, const struct listing_socket *s)
{
	const struct listing_netns *netns = listing_netns_of(who->listing, s->netns);
	bool waits = !listing_has_peer(s) &&
		     (s->state == STATE_LISTEN || listing_state(s) == STATE_NONE);

	if (netns && netns->high) {
		w->spelling->open(w, FIELD_RANGE, NEST_OBJECT);
		w->spelling->number(w, FIELD_LOW, netns->low);
		w->spelling->number(w, FIELD_HIGH, netns->high);
		w->spelling->close(w, NEST_OBJECT);
	}
	if (waits) {
		w->spelling->word(w, FIELD_REACH, reach_name(who, s));
		walk_forwarder(w, who, s);
	}
	walk_frees(w, who, s);
}
