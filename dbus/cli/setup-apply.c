/* SPDX-License-Identifier: Apache-2.0 */
/* setup-apply - does what was planned: files first, then the CUPS queue, then the daemon; undone when one fails. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "bus-client.h"
#include "out.h"
#include "setup.h"

enum { SECRET_MODE = 0640, SECTION_MODE = 0644 };

struct work {
	struct queue_wish wish;
	char section_path[PATH_MAX], secret_path[PATH_MAX];
	char *section, *secret; /* what the files shall hold; secret NULL: no login */
	struct file_change section_change, secret_change;
	bool queue_fits, section_fits, secret_fits, default_fits;
	bool queue_done, saved;
};

static void work_fini(struct work *w)
{
	if (w->secret)
		explicit_bzero(w->secret, strlen(w->secret));
	free(w->secret);
	free(w->section);
	file_change_fini(&w->section_change);
	file_change_fini(&w->secret_change);
}

/* ---- what is to do ---- */

static int compare(struct setup *s, struct work *w)
{
	w->section = section_text(&s->after);
	if (*s->after.user && asprintf(&w->secret, "%s\n", s->password) < 0)
		w->secret = NULL;
	if (!w->section || (*s->after.user && !w->secret))
		return cli_fail(s->c, CLI_FAILED, "out of memory");
	if (section_path(w->section_path, sizeof(w->section_path), s->queue_option) != 0 ||
		config_secret_path(
			w->secret_path, sizeof(w->secret_path), paths_conf(), s->queue_option) != 0)
		return cli_fail(s->c, CLI_FAILED, "The configuration's path is too long");
	w->wish = (struct queue_wish){.name = s->queue_option,
		.ppd = queue_ppd_path(),
		.open = !s->adopt,
		.info = s->info           ? s->info
			: s->queue_exists ? NULL
					  : s->queue_option};
	if (access(w->wish.ppd, R_OK) != 0)
		return cli_fail(s->c, CLI_FAILED,
			"The queue's PPD %s cannot be read: is Stillprint installed as a "
			"whole? Nothing was changed.",
			w->wish.ppd);
	w->section_fits = file_fits(w->section_path, w->section, SECTION_MODE, NULL);
	w->secret_fits = w->secret ? file_fits(w->secret_path, w->secret, SECRET_MODE, "stillprint")
				   : access(w->secret_path, F_OK) != 0;
	w->queue_fits = s->queue_exists && queue_fits(s->http, &s->queue, &w->wish) &&
			(!s->info || !strcmp(s->info, s->queue.info));
	w->default_fits = !s->make_default || s->is_default;
	return 0;
}

static void tell_choice(struct setup *s)
{
	const char *outage = *s->after.on_outage       ? s->after.on_outage
			     : s->after.fallback_count ? "fallback"
						       : "ask";

	json_set_text(s->answer, "on_outage", outage);
	json_set_text(s->answer, "release", s->after.release);
	setup_fact(s, "On outage", "%s%s", outage, *s->after.on_outage ? "" : " (preset)");
	if (!strcmp(s->after.release, "held"))
		setup_fact(s, "Release",
			"held: a job goes elsewhere only when its user says to be there");
	if (!strcmp(outage, "fallback") && !s->after.fallback_count)
		setup_warn(s,
			"on-outage is fallback, but no fallback is named: only printers that users know can stand in");
}

/* ---- doing ---- */

static void undo(struct setup *s, struct work *w)
{
	bool bad = false;

	if (w->queue_done && s->adopt)
		bad |= adopted_restore(s) != 0;
	else if (w->queue_done && !s->queue_exists)
		bad |= queue_delete(s->http, s->queue_option) != 0;
	if (w->saved && !bad)
		adopted_forget(s->queue_option);
	bad |= file_undo(&w->section_change) != 0;
	bad |= file_undo(&w->secret_change) != 0;
	s->changed = false;
	if (bad)
		setup_warn(s, "not all of it could be undone: look with \"stillprint check\"");
}

static int put_files(struct setup *s, struct work *w)
{
	char why[512];
	int rc = w->secret ? file_put(&w->secret_change, w->secret_path, w->secret, SECRET_MODE,
				     "stillprint")
			   : file_remove(&w->secret_change, w->secret_path);

	if (rc)
		return cli_fail(s->c, CLI_FAILED, "%s cannot be written: %s. Nothing was changed.",
			w->secret_path, strerror(-rc));
	rc = file_put(&w->section_change, w->section_path, w->section, SECTION_MODE, NULL);
	if (rc)
		return cli_fail(s->c, CLI_FAILED, "%s cannot be written: %s. Nothing was changed.",
			w->section_path, strerror(-rc));
	if (section_check_all(why, sizeof(why)) != 0)
		return cli_fail(s->c, CLI_FAILED,
			"The configuration would not be good: %s. It was put back.", why);
	return 0;
}

static int put_queue(struct setup *s, struct work *w)
{
	int rc;

	if (w->queue_fits)
		return 0;
	if (s->adopt && !queue_is_ours(&s->queue)) {
		rc = adopted_save(s);
		if (rc)
			return cli_fail(s->c, CLI_FAILED,
				"What queue %s is now could not be saved: %s. Nothing was "
				"changed.",
				s->queue_option, strerror(-rc));
		w->saved = true;
	}
	w->queue_done = true;
	rc = queue_put(s->http, &w->wish);
	if (rc == QUEUE_E_POLICY) {
		w->wish.plain_policy = true;
		rc = queue_put(s->http, &w->wish);
	}
	if (rc)
		return cli_fail(s->c, CLI_FAILED,
			"CUPS does not make the queue: %s. What was done has been undone.",
			queue_why());
	if (w->wish.plain_policy)
		setup_warn(s, "cupsd has no policy \"" QUEUE_OP_POLICY
			      "\": users' names are not verified. Put back "
			      "<Policy " QUEUE_OP_POLICY
			      "> from the stock cupsd.conf, then run setup again");
	return 0;
}

void setup_reload(struct setup *s)
{
	AUTO(bus_answer_fini) struct bus_answer a = {0};
	int rc = bus_try(s->c, BUS_ROOT, BUS_MANAGER, "Reload", BUS_SOON_S, &a, "");

	if (rc == CLI_NO_DAEMON)
		setup_say(s, "The print daemon is not running; it reads this when it starts.");
	else if (rc)
		setup_warn(
			s, "the print daemon does not take the new configuration: %s", a.message);
}

static int apply_all(struct setup *s, struct work *w)
{
	int rc = put_files(s, w);

	if (!rc)
		rc = put_queue(s, w);
	if (!rc && !w->default_fits && queue_set_default(s->http, s->queue_option) != 0)
		rc = cli_fail(s->c, CLI_FAILED,
			"CUPS does not make it the default: %s. What was done has been undone.",
			queue_why());
	if (rc)
		undo(s, w);
	return rc;
}

static void tell_done(struct setup *s, const struct work *w)
{
	const char *name = s->queue_option;

	if (!w->queue_fits)
		setup_say(s,
			s->adopt
				? "Queue %s is taken over; back to what it was: stillprint setup --adopt %s --undo"
			: s->queue_exists ? "Queue %s is changed in CUPS"
					  : "Queue %s is made in CUPS",
			name, name);
	if (!w->section_fits)
		setup_say(s, "Settings written to %s", w->section_path);
	if (!w->secret_fits)
		setup_say(s,
			w->secret ? "Password kept in %s, for root and the daemon only"
				  : "Password removed from %s",
			w->secret_path);
	if (!w->default_fits)
		setup_say(s, "It is the default printer now");
	if (s->queue_exists && (!s->queue.accepting || s->queue.state == IPP_PSTATE_STOPPED) &&
		s->adopt)
		setup_warn(s, "queue %s was %s before, and still is: cupsenable and cupsaccept it",
			name, s->queue.accepting ? "stopped" : "taking no jobs");
}

/* From here to the end nothing may leave it half done: signals wait. */
static int apply_guarded(struct setup *s, struct work *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	rc = apply_all(s, w);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return rc;
	s->changed = true;
	tell_done(s, w);
	setup_reload(s);
	return CLI_DONE;
}

int setup_apply(struct setup *s)
{
	AUTO(work_fini) struct work w = {0};
	char question[256];
	int rc = compare(s, &w);

	if (rc)
		return rc;
	tell_choice(s);
	if (w.queue_fits && w.section_fits && w.secret_fits && w.default_fits) {
		setup_say(s, "Nothing to change: queue %s is set up so already.", s->queue_option);
		return CLI_DONE;
	}
	if (s->dry_run) {
		setup_say(s, "Nothing was changed (--dry-run).");
		return CLI_DONE;
	}
	snprintf(question, sizeof(question),
		s->adopt ? "Take over queue %s?" : "Set up queue %s so?", s->queue_option);
	if (!setup_ask(s, question, true))
		return cli_fail(s->c, CLI_FAILED, "Nothing was changed.");
	return apply_guarded(s, &w);
}

/* ---- removing ---- */

static int remove_files(struct setup *s)
{
	struct file_change section = {0}, secret = {0};
	char path[PATH_MAX];
	int rc = section_path(path, sizeof(path), s->queue_option);

	if (!rc)
		rc = file_remove(&section, path);
	if (!rc)
		rc = config_secret_path(path, sizeof(path), paths_conf(), s->queue_option);
	if (!rc)
		rc = file_remove(&secret, path);
	file_change_fini(&section);
	file_change_fini(&secret);
	return rc;
}

int setup_remove(struct setup *s)
{
	bool ours = s->queue_exists && queue_is_ours(&s->queue);
	char question[256];
	int rc;

	if (!ours && !s->before.exists) {
		if (s->queue_exists)
			return cli_fail(s->c, CLI_FAILED,
				"Queue %s is not one of Stillprint; nothing was removed.",
				s->queue_option);
		setup_say(s, "Nothing to remove: there is no queue %s.", s->queue_option);
		return CLI_DONE;
	}
	if (adopted_is_there(s->queue_option))
		return cli_fail(s->c, CLI_FAILED,
			"Queue %s was taken over: \"stillprint setup --adopt %s --undo\" gives it "
			"back as it was. Nothing was removed.",
			s->queue_option, s->queue_option);
	if (s->dry_run) {
		setup_say(s, "Queue %s would be removed (--dry-run).", s->queue_option);
		return CLI_DONE;
	}
	snprintf(question, sizeof(question), "Remove queue %s and its settings?", s->queue_option);
	if (!setup_ask(s, question, true))
		return cli_fail(s->c, CLI_FAILED, "Nothing was removed.");
	if (ours && queue_delete(s->http, s->queue_option) != 0)
		return cli_fail(s->c, CLI_FAILED,
			"CUPS does not remove the queue: %s. Nothing was removed.", queue_why());
	s->changed = true;
	rc = remove_files(s);
	if (rc)
		return cli_fail(s->c, CLI_FAILED,
			"The queue is removed, but not its settings: %s. Run this again.",
			strerror(-rc));
	setup_say(s, "Queue %s is removed. Jobs of it that wait are kept: stillprint jobs",
		s->queue_option);
	setup_reload(s);
	return CLI_DONE;
}

/* ---- giving back ---- */

int setup_adopt_undo(struct setup *s)
{
	const char *name = s->queue_option;
	char question[256];
	int rc;

	if (!adopted_is_there(name)) {
		if (s->queue_exists && queue_is_ours(&s->queue))
			return cli_fail(s->c, CLI_FAILED,
				"Queue %s was made by setup, not taken over: --remove removes "
				"it. Nothing was changed.",
				name);
		setup_say(s, "Nothing to undo: queue %s is not taken over.", name);
		return CLI_DONE;
	}
	if (s->dry_run) {
		setup_say(s, "Queue %s would be given back (--dry-run).", name);
		return CLI_DONE;
	}
	snprintf(question, sizeof(question), "Give queue %s back as it was before?", name);
	if (!setup_ask(s, question, true))
		return cli_fail(s->c, CLI_FAILED, "Nothing was changed.");
	rc = adopted_restore(s);
	if (rc)
		return cli_fail(s->c, CLI_FAILED,
			"Queue %s could not be given back: %s. What it was is kept; run this "
			"again.",
			name, rc == -EIO ? queue_why() : strerror(-rc));
	s->changed = true;
	rc = remove_files(s);
	if (rc)
		return cli_fail(s->c, CLI_FAILED,
			"Queue %s is given back, but its settings are not removed: %s. Run this "
			"again.",
			name, strerror(-rc));
	adopted_forget(name);
	setup_say(s, "Queue %s is as it was before. Jobs of it that wait are kept: stillprint jobs",
		name);
	setup_reload(s);
	return CLI_DONE;
}
