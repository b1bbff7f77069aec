/* SPDX-License-Identifier: Apache-2.0 */
/* verify-login - see verify-login.h. */
#include "verify-login.h"

#include <errno.h>
#include <string.h>

#include "core/uuid.h"
#include "core/vendor.h"

static const char *const kinds[] = {[LOGIN_ANY] = "any",
	[LOGIN_PASSWORD] = "password",
	[LOGIN_PIN_CODE] = "pin",
	[LOGIN_CARD] = "card"};
static const struct {
	const char *word;
	enum login_result result;
} results[] = {{"ok", LOGIN_OK}, {"wrong", LOGIN_WRONG}, {"locked", LOGIN_LOCKED},
	{"expired", LOGIN_EXPIRED}, {"later", LOGIN_LATER}};

static void add_name(ipp_t *r, const char *name, const char *value)
{
	if (*value)
		ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_NAME, name, NULL, value);
}

ipp_t *verify_login_request(const char *system_uri, const struct login_message *ask)
{
	ipp_t *r = ippNewRequest((ipp_op_t)VENDOR_OP_VERIFY_LOGIN);

	if (!r)
		return NULL;
	ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_URI, "system-uri", NULL, system_uri);
	add_name(r, "requesting-user-name", ask->account);
	ippAddOctetString(
		r, IPP_TAG_OPERATION, VENDOR_LOGIN_SEALED, ask->sealed, ask->sealed_octets);
	ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, VENDOR_LOGIN_KIND, NULL,
		kinds[ask->kind <= LOGIN_CARD ? ask->kind : LOGIN_ANY]);
	add_name(r, VENDOR_LOGIN_SERVICE, ask->service);
	add_name(r, VENDOR_LOGIN_TTY, ask->tty);
	add_name(r, VENDOR_LOGIN_RHOST, ask->rhost);
	return r;
}

static const char *text_of(ipp_t *answer, const char *name)
{
	ipp_attribute_t *a = ippFindAttribute(answer, name, IPP_TAG_ZERO);
	const char *text = a ? ippGetString(a, 0, NULL) : NULL;

	return text ? text : "";
}

int verify_login_read(ipp_t *answer, struct login_message *reply)
{
	const char *word = text_of(answer, VENDOR_LOGIN_RESULT);
	ipp_attribute_t *retry = ippFindAttribute(answer, VENDOR_LOGIN_RETRY, IPP_TAG_INTEGER);
	uint8_t uuid[LOGIN_UUID_OCTETS];
	enum login_result result = LOGIN_AWAY;

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (!strcmp(word, results[i].word))
			result = results[i].result;
	login_init(reply, LOGIN_REPLY);
	login_set_number(reply, LOGIN_HAS_RESULT, result);
	if (result == LOGIN_LATER && retry && ippGetInteger(retry, 0) > 0)
		login_set_number(reply, LOGIN_HAS_RETRY_S, (uint32_t)ippGetInteger(retry, 0));
	if (result == LOGIN_OK && uuid_octets(text_of(answer, VENDOR_ACCOUNT_UUID), uuid))
		login_set_octets(reply, LOGIN_HAS_UUID, uuid, sizeof(uuid));
	word = text_of(answer, VENDOR_LOGIN_KIND);
	for (int i = LOGIN_PASSWORD; result == LOGIN_OK && i <= LOGIN_CARD; i++)
		if (!strcmp(word, kinds[i]))
			login_set_number(reply, LOGIN_HAS_KIND, (uint32_t)i);
	return result == LOGIN_AWAY ? -EBADMSG : 0;
}
