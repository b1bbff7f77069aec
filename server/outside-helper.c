/* SPDX-License-Identifier: Apache-2.0 */
/* outside-helper - two processes: one that PAM runs in, and one that ends it, with all that it started, when the server has
 * closed the socket. See outside.h. Whatever happens to them, the server goes on. */
#include <errno.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "outside-message.h"

enum { PAUSE_MS = 5, END_MS = 2000 };

static void forget(struct pam_response *r, int count)
{
	for (int i = 0; i < count; i++) {
		if (r[i].resp)
			explicit_bzero(r[i].resp, strlen(r[i].resp));
		free(r[i].resp);
	}
	free(r);
}

/* Each question without echo gets the secret; there is nobody to ask anything else. */
static int converse(
	int count, const struct pam_message **message, struct pam_response **out, void *arg)
{
	const struct outside_question *q = arg;
	struct pam_response *r;

	if (count < 1 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	r = calloc((size_t)count, sizeof(*r));
	if (!r)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		int style = message[i]->msg_style;

		if (style == PAM_ERROR_MSG || style == PAM_TEXT_INFO)
			continue;
		r[i].resp = style == PAM_PROMPT_ECHO_OFF ? strdup(q->secret) : NULL;
		if (!r[i].resp) {
			forget(r, count);
			return PAM_CONV_ERR;
		}
	}
	*out = r;
	return PAM_SUCCESS;
}

/* Tries are counted by the server, which must not be kept waiting. */
static void no_delay(int result, unsigned usec, void *arg)
{
	(void)result;
	(void)usec;
	(void)arg;
}

static enum outside_result after_auth(int rc)
{
	switch (rc) {
	case PAM_SUCCESS:
		return OUTSIDE_OK;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_CRED_INSUFFICIENT:
	case PAM_PERM_DENIED:
		return OUTSIDE_WRONG;
	case PAM_MAXTRIES:
		return OUTSIDE_LOCKED;
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
		return OUTSIDE_EXPIRED;
	default:
		return OUTSIDE_AWAY;
	}
}

static enum outside_result after_account(int rc)
{
	if (rc == PAM_PERM_DENIED || rc == PAM_AUTH_ERR)
		return OUTSIDE_LOCKED;
	return after_auth(rc);
}

static int begin(struct outside_question *q, struct pam_conv *conv, pam_handle_t **out)
{
	const char *dir = getenv("STILLPRINT_SERVER_PAM_DIR");

	if (dir && *dir)
		return pam_start_confdir(q->service, q->user, conv, dir, out);
	return pam_start(q->service, q->user, conv, out);
}

static void take_name(pam_handle_t *pam, const struct outside_question *q, struct outside_answer *a)
{
	const void *name = NULL;

	if (pam_get_item(pam, PAM_USER, &name) != PAM_SUCCESS || !name ||
		strlen(name) >= sizeof(a->name))
		name = q->user;
	strcpy(a->name, name);
}

static void ask(struct outside_question *q, struct outside_answer *a)
{
	struct pam_conv conv = {converse, q};
	union {
		void (*fn)(int result, unsigned usec, void *arg);
		const void *item;
	} delay = {no_delay};
	pam_handle_t *pam = NULL;
	int rc = begin(q, &conv, &pam);

	a->result = OUTSIDE_AWAY;
	if (rc != PAM_SUCCESS)
		return;
	pam_set_item(pam, PAM_FAIL_DELAY, delay.item);
	if (*q->rhost)
		pam_set_item(pam, PAM_RHOST, q->rhost);
	rc = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	a->result = (int32_t)after_auth(rc);
	if (rc == PAM_SUCCESS) {
		rc = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
		a->result = (int32_t)after_account(rc);
	}
	take_name(pam, q, a);
	pam_end(pam, rc);
}

static int answer(void)
{
	struct outside_question q;
	struct outside_answer a = {0};
	ssize_t n = recv(0, &q, sizeof(q), 0);

	if (n != sizeof(q))
		return EX_USAGE;
	q.service[sizeof(q.service) - 1] = q.user[sizeof(q.user) - 1] = '\0';
	q.secret[sizeof(q.secret) - 1] = q.rhost[sizeof(q.rhost) - 1] = '\0';
	ask(&q, &a);
	explicit_bzero(&q, sizeof(q));
	return send(0, &a, sizeof(a), MSG_NOSIGNAL) == sizeof(a) ? 0 : EX_IOERR;
}

/* ---- the one that watches ---- */

static void kill_children(void)
{
	char path[64];
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	while (fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	fclose(f);
}

/* Modules start programs in sessions of their own: as their reaper we get the orphans, one generation after the other. */
static void end_all(pid_t first)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	for (int i = 0; i < END_MS / PAUSE_MS; i++) {
		pid_t gone;

		kill(first, SIGKILL);
		kill_children();
		do
			gone = waitpid(-1, NULL, WNOHANG);
		while (gone > 0);
		if (gone < 0)
			return;
		nanosleep(&pause, NULL);
	}
}

/* Until the server has gone, since it is content or tired of waiting, or PAM's process has ended. */
static void watch(pid_t first, int signals)
{
	struct pollfd p[2] = {{.fd = 0}, {.fd = signals, .events = POLLIN}};
	struct signalfd_siginfo info;

	for (;;) {
		siginfo_t ended = {0};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents)
			return;
		if ((p[1].revents & POLLIN) && read(signals, &info, sizeof(info)) < 0)
			return;
		if (waitid(P_PID, (id_t)first, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 ||
			ended.si_pid)
			return;
	}
}

int outside_helper(void)
{
	sigset_t child, none;
	int signals;
	pid_t pid;

	sigemptyset(&none);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return EX_OSERR;
	signals = signalfd(-1, &child, SFD_CLOEXEC);
	pid = signals < 0 ? -1 : fork();
	if (pid < 0)
		return EX_OSERR;
	if (pid == 0) {
		close(signals);
		sigprocmask(SIG_SETMASK, &none, NULL);
		_exit(answer());
	}
	watch(pid, signals);
	end_all(pid);
	return 0;
}
