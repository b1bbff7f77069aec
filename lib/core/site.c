/* SPDX-License-Identifier: Apache-2.0 */
/* site - see site.h. */
#include "core/site.h"

#include <errno.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/uri.h"

enum { DEPTH_MAX = 8 };

static void json_put(struct json_object *o)
{
	json_object_put(o);
}
AUTO_DEFINE(struct json_object *, json_put)
static void tokener_free(struct json_tokener *t)
{
	json_tokener_free(t);
}
AUTO_DEFINE(struct json_tokener *, tokener_free)

void site_free(struct site *site)
{
	if (!site)
		return;
	free(site->queue);
	free(site->cas);
	free(site);
}

const struct site_queue *site_queue(const struct site *site, const char *name)
{
	for (size_t i = 0; site && i < site->queue_count; i++)
		if (!strcmp(site->queue[i].name, name))
			return &site->queue[i];
	return NULL;
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(o, key, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : "";
}

static void read_fallbacks(struct json_object *list, struct site_queue *out)
{
	size_t count =
		json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < count && out->fallback_count < CONFIG_FALLBACK_MAX; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));
		struct uri u;

		/* Never a CUPS queue of this computer: the server cannot know what that is. */
		if (!text || uri_parse(text, &u) || u.kind == URI_CUPS ||
			uri_format(out->fallback[out->fallback_count], CONFIG_URI_MAX, &u))
			continue;
		out->fallback_count++;
	}
}

static void read_queue(const char *name, struct json_object *o, struct site_queue *out)
{
	struct json_object *list = NULL;
	const char *word = text_of(o, "on-outage");

	snprintf(out->name, sizeof(out->name), "%s", name);
	if (json_object_object_get_ex(o, "fallback", &list))
		read_fallbacks(list, out);
	for (int i = ON_OUTAGE_FALLBACK; i <= ON_OUTAGE_NEVER; i++)
		if (!strcmp(word, config_on_outage_name(i)))
			out->on_outage = i;
}

static int read_queues(struct json_object *o, struct site *site)
{
	int count = json_object_is_type(o, json_type_object) ? json_object_object_length(o) : 0;

	if (count > CONFIG_QUEUE_MAX)
		return SITE_E_DAMAGED;
	site->queue = calloc((size_t)count + 1, sizeof(*site->queue));
	if (!site->queue)
		return -ENOMEM;
	if (!count)
		return 0;
	json_object_object_foreach(o, name, value)
	{
		if (uri_is_queue_name(name) && json_object_is_type(value, json_type_object))
			read_queue(name, value, &site->queue[site->queue_count++]);
	}
	return 0;
}

/* What is in them is for who speaks TLS. */
static int read_cas(struct json_object *list, struct site *site)
{
	size_t count =
		json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	size_t octets = 0;

	if (!count || count > SITE_CA_MAX)
		return SITE_E_DAMAGED;
	site->cas = calloc(count, SITE_CA_OCTETS + 1);
	if (!site->cas)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		size_t n = json_object_is_type(one, json_type_string)
				   ? (size_t)json_object_get_string_len(one)
				   : 0;

		if (!n || n > SITE_CA_OCTETS || strlen(json_object_get_string(one)) != n)
			return SITE_E_DAMAGED;
		memcpy(site->cas + octets, json_object_get_string(one), n);
		octets += n;
	}
	return 0;
}

static int read_login_key(const char *text, struct site *site)
{
	size_t count = 0;

	site->has_login_key = true;
	return !sodium_base642bin(site->login_key, sizeof(site->login_key), text, strlen(text),
		       NULL, &count, NULL, sodium_base64_VARIANT_ORIGINAL) &&
			       count == sizeof(site->login_key)
		       ? 0
		       : SITE_E_DAMAGED;
}

static int read_document(struct json_object *o, struct site *site)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(o, json_type_object) ||
		!json_object_object_get_ex(o, "version", &value) ||
		!json_object_is_type(value, json_type_int))
		return SITE_E_DAMAGED;
	site->version = json_object_get_int64(value);
	snprintf(site->server_uuid, sizeof(site->server_uuid), "%s", text_of(o, "server"));
	if (json_object_object_get_ex(o, "login-key", NULL) &&
		read_login_key(text_of(o, "login-key"), site))
		return SITE_E_DAMAGED;
	if (json_object_object_get_ex(o, "cas", &value)) {
		int rc = read_cas(value, site);

		if (rc)
			return rc;
	}
	return json_object_object_get_ex(o, "queues", &value) ? read_queues(value, site)
							      : SITE_E_DAMAGED;
}

int site_read(const void *octets, size_t count, const uint8_t *signature, const uint8_t *key,
	struct site **out)
{
	AUTO(tokener_freep) struct json_tokener *t = NULL;
	AUTO(json_putp) struct json_object *o = NULL;
	AUTO(site_freep) struct site *site = NULL;
	int rc;

	if (count > SITE_MAX_OCTETS || sodium_init() < 0 ||
		crypto_sign_verify_detached(signature, octets, count, key))
		return SITE_E_SIGNATURE;
	t = json_tokener_new_ex(DEPTH_MAX);
	site = calloc(1, sizeof(*site));
	if (!t || !site)
		return -ENOMEM;
	o = json_tokener_parse_ex(t, octets, (int)count);
	rc = o ? read_document(o, site) : SITE_E_DAMAGED;
	if (rc)
		return rc;
	*out = STEAL(site);
	return 0;
}
