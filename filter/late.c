/* SPDX-License-Identifier: Apache-2.0 */
/* late - see late.h. LATE_CUPS and its like are the libraries' file names, as the build found them. */
#include "late.h"

#include <cups/cups.h>
#include <cups/pwg.h>
#include <dlfcn.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdlib.h>

#include "core/say.h"

_Static_assert(sizeof(LATE_CUPS) > 1 && sizeof(LATE_SODIUM) > 1 && sizeof(LATE_JSON) > 1,
	"the build did not find a library's name");

static const char *try(const char *library, void **handle)
{
	if (!*handle)
		*handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	return *handle ? NULL : dlerror();
}

static void *cups, *sodium, *json;

const char *late_load(void)
{
	const char *fault = try(LATE_CUPS, &cups);

	return fault ? fault : try(LATE_SODIUM, &sodium);
}

/* The package brings the libraries: without one there is nothing to go on with. */
static void *find(const char *library, void **handle, const char *name)
{
	const char *fault = try(library, handle);
	void *function = fault ? NULL : dlsym(*handle, name);

	if (!function) {
		say("ERROR", "%s cannot be used: %s.", library, fault ? fault : name);
		exit(EXIT_FAILURE);
	}
	return function;
}

#define HAND_ON(library, handle, type, name, parameters, arguments) \
	type name parameters \
	{ \
		static __typeof__(&name) function; \
\
		if (!function) \
			function = (__typeof__(&name))find(library, handle, #name); \
		return function arguments; \
	}

#define CUPS(type, name, parameters, arguments) \
	HAND_ON(LATE_CUPS, &cups, type, name, parameters, arguments)
#define SODIUM(type, name, parameters, arguments) \
	HAND_ON(LATE_SODIUM, &sodium, type, name, parameters, arguments)
#define JSON(type, name, parameters, arguments) \
	HAND_ON(LATE_JSON, &json, type, name, parameters, arguments)

CUPS(int, cupsAddOption, (const char *n, const char *v, int c, cups_option_t **o), (n, v, c, o))
CUPS(void, cupsFreeOptions, (int c, cups_option_t *o), (c, o))
CUPS(const char *, cupsGetOption, (const char *n, int c, cups_option_t *o), (n, c, o))
CUPS(int, cupsParseOptions, (const char *s, int c, cups_option_t **o), (s, c, o))
CUPS(ipp_attribute_t *, ippAddCollection, (ipp_t * i, ipp_tag_t g, const char *n, ipp_t *v),
	(i, g, n, v))
CUPS(ipp_attribute_t *, ippAddInteger, (ipp_t * i, ipp_tag_t g, ipp_tag_t t, const char *n, int v),
	(i, g, t, n, v))
CUPS(ipp_attribute_t *, ippAddIntegers,
	(ipp_t * i, ipp_tag_t g, ipp_tag_t t, const char *n, int c, const int *v),
	(i, g, t, n, c, v))
CUPS(ipp_attribute_t *, ippAddOctetString,
	(ipp_t * i, ipp_tag_t g, const char *n, const void *v, int c), (i, g, n, v, c))
CUPS(ipp_attribute_t *, ippAddOutOfBand, (ipp_t * i, ipp_tag_t g, ipp_tag_t t, const char *n),
	(i, g, t, n))
CUPS(ipp_attribute_t *, ippAddResolution,
	(ipp_t * i, ipp_tag_t g, const char *n, ipp_res_t u, int x, int y), (i, g, n, u, x, y))
CUPS(ipp_attribute_t *, ippAddString,
	(ipp_t * i, ipp_tag_t g, ipp_tag_t t, const char *n, const char *l, const char *v),
	(i, g, t, n, l, v))
CUPS(void, ippDelete, (ipp_t * i), (i))
CUPS(int, ippEnumValue, (const char *n, const char *v), (n, v))
CUPS(ipp_attribute_t *, ippFindAttribute, (ipp_t * i, const char *n, ipp_tag_t t), (i, n, t))
CUPS(ipp_t *, ippGetCollection, (ipp_attribute_t * a, int e), (a, e))
CUPS(int, ippGetCount, (ipp_attribute_t * a), (a))
CUPS(int, ippGetInteger, (ipp_attribute_t * a, int e), (a, e))
CUPS(const char *, ippGetString, (ipp_attribute_t * a, int e, const char **l), (a, e, l))
CUPS(ipp_t *, ippNew, (void), ())
CUPS(ipp_t *, ippNewRequest, (ipp_op_t o), (o))
CUPS(ipp_state_t, ippReadIO, (void *s, ipp_iocb_t c, int b, ipp_t *p, ipp_t *i), (s, c, b, p, i))
CUPS(int, ippSetCollection, (ipp_t * i, ipp_attribute_t **a, int e, ipp_t *v), (i, a, e, v))
CUPS(int, ippSetRequestId, (ipp_t * i, int n), (i, n))
CUPS(int, ippSetState, (ipp_t * i, ipp_state_t s), (i, s))
CUPS(ipp_state_t, ippWriteIO, (void *s, ipp_iocb_t c, int b, ipp_t *p, ipp_t *i), (s, c, b, p, i))
CUPS(pwg_media_t *, pwgMediaForLegacy, (const char *n), (n))
CUPS(pwg_media_t *, pwgMediaForPPD, (const char *n), (n))
CUPS(pwg_media_t *, pwgMediaForPWG, (const char *n), (n))

SODIUM(int, sodium_init, (void), ())
SODIUM(int, crypto_hash_sha256_init, (crypto_hash_sha256_state * s), (s))
SODIUM(int, crypto_hash_sha256_update,
	(crypto_hash_sha256_state * s, const unsigned char *p, unsigned long long n), (s, p, n))
SODIUM(int, crypto_hash_sha256_final, (crypto_hash_sha256_state * s, unsigned char *p), (s, p))

JSON(int, json_object_array_add, (struct json_object * o, struct json_object *v), (o, v))
JSON(struct json_object *, json_object_new_array, (void), ())
JSON(struct json_object *, json_object_new_boolean, (json_bool b), (b))
JSON(struct json_object *, json_object_new_double, (double d), (d))
JSON(struct json_object *, json_object_new_int, (int32_t n), (n))
JSON(struct json_object *, json_object_new_int64, (int64_t n), (n))
JSON(struct json_object *, json_object_new_object, (void), ())
JSON(struct json_object *, json_object_new_string, (const char *s), (s))
JSON(int, json_object_object_add, (struct json_object * o, const char *k, struct json_object *v),
	(o, k, v))
JSON(int, json_object_put, (struct json_object * o), (o))
JSON(const char *, json_object_to_json_string_ext, (struct json_object * o, int f), (o, f))
