/* SPDX-License-Identifier: Apache-2.0 */
/* pam_stillprint - tells the verifier who logs in here, and asks it whether the secret is right.
 *
 * No static state, no signals, no exit, no output but by the application's own conversation; one deadline for each call.
 * What each answer means to a stack, and what a dead verifier means, is in pam_stillprint(8). */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "auth/login-call.h"

#define PROOF "stillprint_proof"
#define SESSION "stillprint_session"

enum { TIMEOUT_MS = 5000, PASSWD_OCTETS = 16384, ASK_AGAIN = 1 };

struct options {
	uint32_t
		left_ms; /* of timeout=, for what this call has still to do; typing costs nothing */
	uint32_t ttl_s, min_pin;
	bool try_first_pass, use_first_pass, service_only;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

struct unit {
	const char *name;
	uint32_t each;
};

/* ---- options ---- */

/* A number and perhaps one of @units, within bounds. */
static bool take_number(
	const char *text, const struct unit *units, uint32_t least, uint32_t most, uint32_t *out)
{
	unsigned long n;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	n = strtoul(text, &end, 10);
	for (; units->name; units++)
		if (!strcmp(end, units->name))
			break;
	if (!units->name || n > UINT32_MAX / units->each)
		return false;
	n *= units->each;
	if (n < least || n > most)
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool take_option(struct options *o, const char *arg)
{
	static const struct unit spans[] = {
		{"", 3600}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {0}};
	static const struct unit times[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {0}};
	static const struct unit plain[] = {{"", 1}, {0}};

	if (!strncmp(arg, "offline_ttl=", 12))
		return take_number(arg + 12, spans, 1, 365 * 86400, &o->ttl_s);
	if (!strncmp(arg, "min_pin=", 8))
		return take_number(arg + 8, plain, 1, 64, &o->min_pin);
	if (!strncmp(arg, "timeout=", 8))
		return take_number(arg + 8, times, 100, LOGIN_BUDGET_MAX_MS, &o->left_ms);
	if (!strncmp(arg, "socket=/", 8) && strlen(arg + 7) < sizeof(o->path)) {
		strcpy(o->path, arg + 7);
		return true;
	}
	if (!strcmp(arg, "try_first_pass"))
		o->try_first_pass = true;
	else if (!strcmp(arg, "use_first_pass"))
		o->use_first_pass = true;
	else if (!strcmp(arg, "service_only"))
		o->service_only = true;
	else
		return false;
	return true;
}

static void take_options(pam_handle_t *pamh, int argc, const char **argv, struct options *o)
{
	*o = (struct options){.left_ms = TIMEOUT_MS, .path = STILLPRINT_RUNDIR "/login.sock"};
	for (int i = 0; i < argc; i++)
		if (!take_option(o, argv[i]))
			pam_syslog(
				pamh, LOG_ERR, "option not understood, and left out: %s", argv[i]);
}

/* ---- asking ---- */

/* @uid: UINT32_MAX when the system knows no such user. Return: false when the user database cannot tell now. */
static bool uid_of(const char *name, uint32_t *uid)
{
	struct passwd pw, *found = NULL;
	char buf[PASSWD_OCTETS];
	int rc = getpwnam_r(name, &pw, buf, sizeof(buf), &found);

	*uid = found ? found->pw_uid : UINT32_MAX;
	return found || rc == 0 || rc == ENOENT || rc == ESRCH;
}

static void set_item(
	const pam_handle_t *pamh, int item, struct login_message *m, enum login_field f)
{
	const void *text = NULL;

	/* Too long for the field: it is told the verifier without it. */
	if (pam_get_item(pamh, item, &text) == PAM_SUCCESS && text)
		(void)login_set_text(m, f, text);
}

/* The parts that all messages of ours have. Return: PAM_SUCCESS, or what to answer. */
static int begin(pam_handle_t *pamh, enum login_type type, struct login_message *m)
{
	const char *user = NULL;
	uint32_t uid;
	int rc = pam_get_user(pamh, &user, NULL);

	login_init(m, type);
	if (rc != PAM_SUCCESS || !user)
		return rc == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_USER_UNKNOWN;
	if (!user[0] || login_set_text(m, LOGIN_HAS_USER, user) || !uid_of(user, &uid))
		return PAM_USER_UNKNOWN;
	login_set_number(m, LOGIN_HAS_UID, uid);
	set_item(pamh, PAM_SERVICE, m, LOGIN_HAS_SERVICE);
	set_item(pamh, PAM_TTY, m, LOGIN_HAS_TTY);
	set_item(pamh, PAM_RHOST, m, LOGIN_HAS_RHOST);
	return PAM_SUCCESS;
}

static uint32_t verifier_uid(void)
{
	uint32_t uid;

	return uid_of("stillprint", &uid) ? uid : UINT32_MAX;
}

static void spend(struct options *o, int64_t since_ms)
{
	int64_t took_ms = login_call_now_ms() - since_ms;

	o->left_ms = took_ms < o->left_ms ? o->left_ms - (uint32_t)took_ms : 0;
}

/* Return: 0 with @reply, or -errno of login_call(). */
static int ask_verifier(pam_handle_t *pamh, struct options *o, struct login_message *ask,
	struct login_message *reply)
{
	int64_t begun_ms = login_call_now_ms();
	int rc;

	login_set_number(ask, LOGIN_HAS_BUDGET_MS, o->left_ms);
	login_init(reply, LOGIN_REPLY);
	rc = o->left_ms ? login_call(o->path, verifier_uid(), begun_ms + o->left_ms, ask, reply)
			: -ETIMEDOUT;
	spend(o, begun_ms);
	if (rc && rc != -ENOENT && rc != -ECONNREFUSED)
		pam_syslog(
			pamh, LOG_NOTICE, "no answer from stillprint-verifier: %s", strerror(-rc));
	return rc;
}

/* The one place where our answers become PAM's; pam_stillprint(8) has the same table. */
static int pam_code(int rc, uint8_t result)
{
	if (rc)
		return PAM_AUTHINFO_UNAVAIL;
	switch ((enum login_result)result) {
	case LOGIN_OK:
		return PAM_SUCCESS;
	case LOGIN_WRONG:
		return PAM_AUTH_ERR;
	case LOGIN_LOCKED:
		return PAM_PERM_DENIED;
	case LOGIN_EXPIRED:
		return PAM_ACCT_EXPIRED;
	case LOGIN_LATER:
		return PAM_MAXTRIES;
	case LOGIN_NOT_OURS:
		return PAM_IGNORE;
	case LOGIN_AWAY:
	case LOGIN_BAD:
		break;
	}
	return PAM_AUTHINFO_UNAVAIL;
}

static void tell(
	pam_handle_t *pamh, int flags, const struct options *o, const struct login_message *r)
{
	if ((flags & PAM_SILENT) || o->service_only)
		return;
	if (r->result == LOGIN_LATER)
		pam_error(pamh, "Too many wrong attempts. Try again in %u seconds.", r->retry_s);
	else if (r->result == LOGIN_LOCKED)
		pam_error(pamh, "This account is locked.");
	else if (r->result == LOGIN_EXPIRED)
		pam_error(pamh, "This account has expired.");
}

/* ---- auth ---- */

static void free_wiped(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	if (data)
		explicit_bzero(data, LOGIN_PROOF_OCTETS);
	free(data);
}

static void keep_proof(pam_handle_t *pamh, const struct login_message *reply)
{
	uint8_t *proof = login_has(reply, LOGIN_HAS_PROOF) ? malloc(LOGIN_PROOF_OCTETS) : NULL;

	if (!proof)
		return;
	memcpy(proof, reply->proof, LOGIN_PROOF_OCTETS);
	if (pam_set_data(pamh, PROOF, proof, free_wiped) != PAM_SUCCESS)
		free_wiped(pamh, proof, 0);
}

/* Return: a PAM code. */
static int verify(pam_handle_t *pamh, int flags, struct options *o, const char *secret)
{
	struct login_message ask, reply;
	int rc = begin(pamh, LOGIN_VERIFY, &ask);

	if (rc == PAM_SUCCESS && (!secret[0] || login_set_text(&ask, LOGIN_HAS_SECRET, secret)))
		rc = PAM_AUTH_ERR;
	if (rc != PAM_SUCCESS)
		return rc;
	if (o->ttl_s)
		login_set_number(&ask, LOGIN_HAS_TTL_S, o->ttl_s);
	if (o->min_pin)
		login_set_number(&ask, LOGIN_HAS_MIN_PIN, o->min_pin);
	rc = ask_verifier(pamh, o, &ask, &reply);
	if (!rc && reply.result == LOGIN_OK)
		keep_proof(pamh, &reply);
	if (!rc)
		tell(pamh, flags, o, &reply);
	rc = pam_code(rc, reply.result);
	login_wipe(&ask);
	login_wipe(&reply);
	return rc;
}

/* Nobody is asked to type what nobody will look at; modules after us then ask by themselves. */
static bool somebody_listens(struct options *o)
{
	int64_t begun_ms = login_call_now_ms();
	int fd = login_call_connect(o->path, verifier_uid(), begun_ms + o->left_ms);

	spend(o, begun_ms);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int prompt(pam_handle_t *pamh, char **secret)
{
	int rc = pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, secret, "Password: ");

	if (rc != PAM_SUCCESS)
		return rc == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_AUTH_ERR;
	if (!*secret)
		return PAM_AUTH_ERR;
	return pam_set_item(pamh, PAM_AUTHTOK, *secret);
}

static int authenticate(pam_handle_t *pamh, int flags, struct options *o)
{
	const void *given = NULL;
	char *typed = NULL;
	int rc = ASK_AGAIN;

	if (o->try_first_pass || o->use_first_pass)
		pam_get_item(pamh, PAM_AUTHTOK, &given);
	if (given) {
		rc = verify(pamh, flags, o, given);
		if (rc == PAM_AUTH_ERR && !o->use_first_pass && !o->service_only)
			rc = ASK_AGAIN;
	} else if (o->use_first_pass) {
		return PAM_IGNORE; /* a login without a password: a key, a finger, a card */
	}
	if (rc != ASK_AGAIN)
		return rc;
	if (!somebody_listens(o))
		return PAM_AUTHINFO_UNAVAIL;
	rc = prompt(pamh, &typed);
	if (rc == PAM_SUCCESS)
		rc = verify(pamh, flags, o, typed);
	if (typed)
		explicit_bzero(typed, strlen(typed));
	free(typed);
	return rc;
}

__attribute__((visibility("default"))) int pam_sm_authenticate(
	pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct options o;
	int rc;

	take_options(pamh, argc, argv, &o);
	rc = authenticate(pamh, flags, &o);
	/* For printing only: who it is counts, but the machine's door is not ours. */
	return o.service_only && rc != PAM_INCOMPLETE ? PAM_IGNORE : rc;
}

__attribute__((visibility("default"))) int pam_sm_setcred(
	pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct options o;

	(void)flags;
	take_options(pamh, argc, argv, &o);
	return o.service_only ? PAM_IGNORE : PAM_SUCCESS;
}

/* ---- account ---- */

__attribute__((visibility("default"))) int pam_sm_acct_mgmt(
	pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct login_message ask, reply;
	struct options o;
	int rc;

	take_options(pamh, argc, argv, &o);
	rc = begin(pamh, LOGIN_ACCOUNT, &ask);
	if (rc != PAM_SUCCESS)
		return rc == PAM_INCOMPLETE ? rc : PAM_IGNORE;
	if (ask_verifier(pamh, &o, &ask, &reply))
		return PAM_IGNORE;
	tell(pamh, flags, &o, &reply);
	if (o.service_only)
		return PAM_IGNORE;
	/* Only a definite word counts; that nobody knows him is none. */
	return reply.result == LOGIN_OK || reply.result == LOGIN_LOCKED ||
			       reply.result == LOGIN_EXPIRED
		       ? pam_code(0, reply.result)
		       : PAM_IGNORE;
}

/* ---- session ---- */

/* logind's id if pam_systemd came before us, else the audit session, else the process group's leader. */
static void session_id(pam_handle_t *pamh, char out[64])
{
	const char *id = pam_getenv(pamh, "XDG_SESSION_ID");
	char audit[16] = "";
	int fd;

	if (id && id[0] && strlen(id) < 64) {
		strcpy(out, id);
		return;
	}
	fd = open("/proc/self/sessionid", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, audit, sizeof(audit) - 1);

		audit[n > 0 ? n : 0] = '\0';
		audit[strspn(audit, "0123456789")] = '\0';
		close(fd);
	}
	if (audit[0] && strcmp(audit, "4294967295") != 0)
		snprintf(out, 64, "a%s", audit);
	else
		snprintf(out, 64, "s%d", (int)getsid(0));
}

static void free_text(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

/* The end must name what the beginning named, whatever has become of the environment in between. */
static void remembered_id(pam_handle_t *pamh, char out[64])
{
	const void *kept = NULL;

	if (pam_get_data(pamh, SESSION, &kept) == PAM_SUCCESS && kept)
		snprintf(out, 64, "%s", (const char *)kept);
	else
		session_id(pamh, out);
}

static void remember_id(pam_handle_t *pamh, const char *id)
{
	char *kept = strdup(id);

	if (kept && pam_set_data(pamh, SESSION, kept, free_text) != PAM_SUCCESS)
		free(kept);
}

static int session(pam_handle_t *pamh, enum login_type type, int argc, const char **argv)
{
	struct login_message ask, reply;
	const void *proof = NULL;
	struct options o;
	char id[64];
	int rc;

	take_options(pamh, argc, argv, &o);
	rc = begin(pamh, type, &ask);
	if (rc != PAM_SUCCESS || ask.uid == UINT32_MAX)
		return rc == PAM_INCOMPLETE ? rc : PAM_IGNORE;
	if (type == LOGIN_OPEN)
		session_id(pamh, id);
	else
		remembered_id(pamh, id);
	if (login_set_text(&ask, LOGIN_HAS_SESSION, id))
		return PAM_IGNORE;
	if (type == LOGIN_OPEN && pam_get_data(pamh, PROOF, &proof) == PAM_SUCCESS && proof)
		login_set_octets(&ask, LOGIN_HAS_PROOF, proof, LOGIN_PROOF_OCTETS);
	rc = ask_verifier(pamh, &o, &ask, &reply);
	if (!rc && type == LOGIN_OPEN)
		remember_id(pamh, id);
	rc = !rc && reply.result == LOGIN_OK ? PAM_SUCCESS : PAM_IGNORE;
	login_wipe(&ask);
	return rc;
}

__attribute__((visibility("default"))) int pam_sm_open_session(
	pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return session(pamh, LOGIN_OPEN, argc, argv);
}

__attribute__((visibility("default"))) int pam_sm_close_session(
	pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return session(pamh, LOGIN_CLOSE, argc, argv);
}

/* ---- password ---- */

/* Others change it; here the cache learns of it, so that the new one serves offline and the old one does not. */
__attribute__((visibility("default"))) int pam_sm_chauthtok(
	pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct login_message ask, reply;
	const void *fresh = NULL;
	struct options o;
	int rc;

	take_options(pamh, argc, argv, &o);
	if (!(flags & PAM_UPDATE_AUTHTOK) ||
		pam_get_item(pamh, PAM_AUTHTOK, &fresh) != PAM_SUCCESS || !fresh)
		return PAM_IGNORE;
	rc = begin(pamh, LOGIN_CHANGE, &ask);
	if (rc == PAM_SUCCESS && login_set_text(&ask, LOGIN_HAS_SECRET, fresh))
		rc = PAM_IGNORE;
	if (rc == PAM_SUCCESS && o.ttl_s)
		login_set_number(&ask, LOGIN_HAS_TTL_S, o.ttl_s);
	if (rc == PAM_SUCCESS)
		rc = ask_verifier(pamh, &o, &ask, &reply) || reply.result != LOGIN_OK ||
				     o.service_only
			     ? PAM_IGNORE
			     : PAM_SUCCESS;
	login_wipe(&ask);
	return rc == PAM_INCOMPLETE || rc == PAM_SUCCESS ? rc : PAM_IGNORE;
}
