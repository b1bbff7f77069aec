/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-bind - which account stands behind a session, from its beginning to its end. */
#include <fcntl.h>

#include "auth.h"
#include "auth/bind.h"
#include "tap.h"

static const uint8_t boot[16] = {1}, other_boot[16] = {2};

static struct bind *made(const char *folder, const char *logind, const uint8_t *id)
{
	struct bind *b = NULL;

	if (bind_new(folder, logind, id, &b))
		abort();
	return b;
}

static int began(
	struct bind *b, uint32_t uid, const char *session, const char *account, bool verified)
{
	struct binding one = {.uid = uid, .verified = verified, .since_s = 1};

	snprintf(one.session, sizeof(one.session), "%s", session);
	snprintf(one.account, sizeof(one.account), "%s", account);
	memset(one.uuid, verified ? account[0] : 0, sizeof(one.uuid));
	return bind_open(b, &one);
}

/* "account", with "!" behind when verified; "" for nobody. */
static const char *who(struct bind *b, uint32_t uid, const char *session)
{
	static char text[300];
	struct bind_answer a;

	if (bind_query(b, uid, session, &a) == BIND_E_NONE)
		return "";
	snprintf(text, sizeof(text), "%s%s", a.account, a.verified ? "!" : "");
	return text;
}

#define IS(got, wanted) (!strcmp((got), (wanted)))

static void a_session_is_somebody_from_its_beginning_to_its_end(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, NULL, boot);

	CHECK(IS(who(b, 1000, NULL), ""));
	CHECK(began(b, 1000, "c1", "anna", true) == 0);
	CHECK(IS(who(b, 1000, NULL), "anna!") && IS(who(b, 1000, "c1"), "anna!"));
	CHECK(IS(who(b, 1001, NULL), "") && IS(who(b, 1000, "c2"), ""));
	CHECK(bind_close(b, 1000, "c1") == 0);
	CHECK(IS(who(b, 1000, NULL), ""));
	CHECK(bind_close(b, 1000, "c1") == BIND_E_NONE);
}

static void claimed_and_verified_are_told_apart(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, NULL, boot);

	CHECK(began(b, 1000, "c1", "anna", false) == 0);
	CHECK(IS(who(b, 1000, NULL), "anna"));
	CHECK(began(b, 1000, "c2", "anna", true) == 0);
	CHECK(IS(who(b, 1000, NULL), "anna!") && IS(who(b, 1000, "c1"), "anna"));
	CHECK(bind_close(b, 1000, "c2") == 0);
	CHECK(IS(who(b, 1000, NULL), "anna"));
}

static void a_uid_with_two_accounts_is_never_verified(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, NULL, boot);

	CHECK(began(b, 1000, "c1", "anna", true) == 0 && began(b, 1000, "c2", "bert", true) == 0);
	CHECK(IS(who(b, 1000, NULL), "bert"));
	CHECK(IS(who(b, 1000, "c1"), "anna!") && IS(who(b, 1000, "c2"), "bert!"));
	CHECK(bind_close(b, 1000, "c1") == 0);
	CHECK(IS(who(b, 1000, NULL), "bert!"));
}

static void a_session_opened_twice_ends_with_the_second_close(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, NULL, boot);

	CHECK(began(b, 1000, "a1", "anna", true) == 0 && began(b, 1000, "a1", "anna", false) == 0);
	CHECK(bind_close(b, 1000, "a1") == 0 && IS(who(b, 1000, NULL), "anna!"));
	CHECK(bind_close(b, 1000, "a1") == 0 && IS(who(b, 1000, NULL), ""));
}

static void a_restart_forgets_none_and_a_reboot_all(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, NULL, boot);
	struct bind_answer a;

	CHECK(began(b, 1000, "c1", "anna", true) == 0 && began(b, 1001, "c2", "bert", false) == 0);
	bind_free(STEAL(b));
	b = made(folder, NULL, boot);
	CHECK(IS(who(b, 1000, "c1"), "anna!") && IS(who(b, 1001, NULL), "bert"));
	CHECK(bind_query(b, 1000, NULL, &a) == 0 && a.uuid[0] == 'a' && a.sessions == 1);
	bind_free(STEAL(b));
	b = made(folder, NULL, other_boot);
	CHECK(IS(who(b, 1000, NULL), ""));
}

static void what_logind_has_ended_is_over(void)
{
	AUTO(auto_free) char *folder = auth_folder(), *logind = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, logind, boot);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/c7", logind);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	CHECK(began(b, 1000, "c7", "anna", true) == 0);
	CHECK(began(b, 1001, "a9", "bert", true) == 0); /* never was logind's */
	CHECK(IS(who(b, 1000, NULL), "anna!"));
	CHECK(unlink(path) == 0);
	CHECK(IS(who(b, 1000, NULL), "") && IS(who(b, 1001, NULL), "bert!"));
	bind_free(STEAL(b));
	b = made(folder, logind, boot);
	CHECK(IS(who(b, 1000, NULL), "") && IS(who(b, 1001, NULL), "bert!"));
}

static void one_uid_cannot_fill_the_table(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, NULL, boot);
	char session[16];
	int rc = 0, n = 0;

	for (; !rc && n < BIND_MAX; n++) {
		snprintf(session, sizeof(session), "s%d", n);
		rc = began(b, 1000, session, "anna", false);
	}
	CHECK(rc == BIND_E_FULL && n == BIND_PER_UID_MAX + 1);
	CHECK(began(b, 1001, "c1", "bert", true) == 0);
}

static void a_damaged_file_is_begun_anew(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(bind_freep) struct bind *b = made(folder, NULL, boot);
	char path[PATH_MAX];

	CHECK(began(b, 1000, "c1", "anna", true) == 0);
	bind_free(STEAL(b));
	snprintf(path, sizeof(path), "%s/sessions", folder);
	CHECK(truncate(path, 50) == 0);
	b = made(folder, NULL, boot);
	CHECK(IS(who(b, 1000, NULL), ""));
	CHECK(began(b, 1000, "c1", "anna", true) == 0);
}

int main(void)
{
	RUN(a_session_is_somebody_from_its_beginning_to_its_end);
	RUN(claimed_and_verified_are_told_apart);
	RUN(a_uid_with_two_accounts_is_never_verified);
	RUN(a_session_opened_twice_ends_with_the_second_close);
	RUN(a_restart_forgets_none_and_a_reboot_all);
	RUN(what_logind_has_ended_is_over);
	RUN(one_uid_cannot_fill_the_table);
	RUN(a_damaged_file_is_begun_anew);
	auth_done();
	return tap_done();
}
