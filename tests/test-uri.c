/* SPDX-License-Identifier: Apache-2.0 */
/* test-uri - one printer, one name; nothing in a name that misleads or gives a password away. */
#include "core/uri.h"

#include <errno.h>
#include <string.h>

#include "tap.h"

static void names_of_one_printer_become_one(void)
{
	static const char *const pair[][2] = {
		{"ipp://host/ipp/print", "ipp://host/ipp/print"},
		{"IPP://HOST.Example/ipp/print", "ipp://host.example/ipp/print"},
		{"ipp://host:631/ipp/print", "ipp://host/ipp/print"},
		{"ipp://host:0631/ipp/print/", "ipp://host/ipp/print"},
		{"ipp://host:8631//ipp///print//", "ipp://host:8631/ipp/print"},
		{"ipps://host:443/ipp/print", "ipps://host:443/ipp/print"},
		{"ipp://host", "ipp://host/ipp/print"},
		{"ipp://host/", "ipp://host/ipp/print"},
		{"ipp://host.:65535", "ipp://host:65535/ipp/print"},
		{"http://host:631/printers/X", "ipp://host/printers/X"},
		{"https://host:631/printers/X", "ipps://host/printers/X"},
		{"http://host/printers/X/.printer", "ipp://host:80/printers/X/.printer"},
		{"https://host/ipp/print", "ipps://host:443/ipp/print"},
		{"http://host:631/ipp", "ipp://host/ipp"},
		{"http://host:631/classes/all", "ipp://host/classes/all"},
		{"ipp://10.1.2.3/ipp/print", "ipp://10.1.2.3/ipp/print"},
		{"ipp://[2001:DB8:0::1]/ipp/print", "ipp://[2001:db8::1]/ipp/print"},
		{"ipp://[::1]:8631/x", "ipp://[::1]:8631/x"},
		{"ipp://[fe80::1%25eth0]/x", "ipp://[fe80::1%25eth0]/x"},
		{"ipp://[fe80::1%eth0]/x", "ipp://[fe80::1%25eth0]/x"},
		{"ipp://h/printers/%41%7e%2fb%c3%bc", "ipp://h/printers/A~%2Fb%C3%BC"},
		{"ipp://xn--bro-hoa.example/x", "ipp://xn--bro-hoa.example/x"},
		{"ipp://my_printer-2.local/x", "ipp://my_printer-2.local/x"},
		{"cups:Office", "cups:Office"},
		{"CUPS:Büro_2", "cups:Büro_2"},
	};

	for (size_t i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		struct uri u;
		char out[512] = "";

		CHECK(uri_parse(pair[i][0], &u) == 0 && uri_format(out, sizeof(out), &u) == 0);
		if (strcmp(out, pair[i][1]) != 0)
			printf("# %s: %s\n", pair[i][0], out);
		CHECK(!strcmp(out, pair[i][1]));
	}
}

static const struct {
	const char *text;
	int rc;
} refused[] = {
	{"", URI_E_SYNTAX},
	{"host", URI_E_SYNTAX},
	{"10.1.2.3", URI_E_SYNTAX},
	{"ipp:", URI_E_SYNTAX},
	{"ipp:/host/x", URI_E_SYNTAX},
	{"ipp://", URI_E_SYNTAX},
	{"ipp:///x", URI_E_SYNTAX},
	{"ipp://:631/x", URI_E_SYNTAX},
	{"ipp://host:/x", URI_E_SYNTAX},
	{"ipp://host:0/x", URI_E_SYNTAX},
	{"ipp://host:65536/x", URI_E_SYNTAX},
	{"ipp://host:-1/x", URI_E_SYNTAX},
	{"ipp://host:6x/x", URI_E_SYNTAX},
	{"ipp://host:000631/x", URI_E_SYNTAX},
	{"ipp://ho st/x", URI_E_SYNTAX},
	{"ipp://host/a b", URI_E_SYNTAX},
	{"ipp://host/a\nb", URI_E_SYNTAX},
	{"ipp://host/\x7f", URI_E_SYNTAX},
	{"ipp://host/a?b", URI_E_SYNTAX},
	{"ipp://host/a#b", URI_E_SYNTAX},
	{"ipp://host?x", URI_E_SYNTAX},
	{"ipp://host/%0a", URI_E_SYNTAX},
	{"ipp://host/%", URI_E_SYNTAX},
	{"ipp://host/%4", URI_E_SYNTAX},
	{"ipp://host/%zz", URI_E_SYNTAX},
	{"ipp://host/%00", URI_E_SYNTAX},
	{"ipp://host/%7f", URI_E_SYNTAX},
	{"ipp://host/a/../b", URI_E_SYNTAX},
	{"ipp://host/..", URI_E_SYNTAX},
	{"ipp://host/./b", URI_E_SYNTAX},
	{"ipp://host/%2e%2e/b", URI_E_SYNTAX},
	{"ipp://host/b\xc3\xbc", URI_E_SYNTAX},
	{"ipp://host/a\\b", URI_E_SYNTAX},
	{"ipp://host/<x>", URI_E_SYNTAX},
	{"ipp://b\xc3\xbcro/x", URI_E_SYNTAX},
	{"ipp://-host/x", URI_E_SYNTAX},
	{"ipp://host-/x", URI_E_SYNTAX},
	{"ipp://a..b/x", URI_E_SYNTAX},
	{"ipp://./x", URI_E_SYNTAX},
	{"ipp://.a/x", URI_E_SYNTAX},
	{"ipp://1.2.3/x", URI_E_SYNTAX},
	{"ipp://1.2.3.999/x", URI_E_SYNTAX},
	{"ipp://12345/x", URI_E_SYNTAX},
	{"ipp://[::1/x", URI_E_SYNTAX},
	{"ipp://[]/x", URI_E_SYNTAX},
	{"ipp://[10.1.2.3]/x", URI_E_SYNTAX},
	{"ipp://[::1]x/x", URI_E_SYNTAX},
	{"ipp://[::1]]/x", URI_E_SYNTAX},
	{"ipp://[fe80::1%25]/x", URI_E_SYNTAX},
	{"ipp://[fe80::1%e/]/x", URI_E_SYNTAX},
	{"ipp://::1/x", URI_E_SYNTAX},
	{"ipp://anna@host/x", URI_E_CREDENTIALS},
	{"ipps://anna:pw@host/x", URI_E_CREDENTIALS},
	{"ipp://@host/x", URI_E_CREDENTIALS},
	{"https://a:b@host/printers/x", URI_E_CREDENTIALS},
	{"http://host/index.html", URI_E_SCHEME},
	{"http://host/", URI_E_SCHEME},
	{"https://host/printersX/y", URI_E_SCHEME},
	{"lpd://host/q", URI_E_SCHEME},
	{"usb://x/y", URI_E_SCHEME},
	{"file:///etc/passwd", URI_E_SCHEME},
	{"cups:", URI_E_SYNTAX},
	{"cups:a/b", URI_E_SYNTAX},
	{"cups:../x", URI_E_SYNTAX},
	{"cups:-x", URI_E_SYNTAX},
	{"cups:a b", URI_E_SYNTAX},
	{"cups:a#b", URI_E_SYNTAX},
	{"cups:a\033", URI_E_SYNTAX},
	{"cups:\xff", URI_E_SYNTAX},
};

static void what_is_no_target_is_refused_with_its_kind(void)
{
	struct uri u;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int rc = uri_parse(refused[i].text, &u);

		if (rc != refused[i].rc)
			printf("# %s: %d\n", refused[i].text, rc);
		CHECK(rc == refused[i].rc);
	}
	CHECK(uri_parse(NULL, &u) == URI_E_SYNTAX);
}

static void lengths_are_bounded(void)
{
	char text[1200], out[64];
	struct uri u;

	for (size_t n = 1; n < 600; n++) {
		strcpy(text, "ipp://");
		memset(text + 6, 'h', n);
		strcpy(text + 6 + n, "/x");
		CHECK((uri_parse(text, &u) == 0) == (n <= 63));
		strcpy(text, "ipp://h/");
		memset(text + 8, 'p', n);
		text[8 + n] = '\0';
		if (uri_parse(text, &u) == 0)
			CHECK(strlen(u.path) == n + 1);
		else
			CHECK(n > 240);
		strcpy(text, "cups:");
		memset(text + 5, 'q', n);
		text[5 + n] = '\0';
		CHECK((uri_parse(text, &u) == 0) == (n <= 127));
	}
	CHECK(uri_parse("ipp://a.very.long.name.of.a.host.example/ipp/print/and/more/of/it", &u) ==
		0);
	CHECK(uri_format(out, sizeof(out), &u) == -ENAMETOOLONG);
}

static void queue_names_are_fit_for_files_and_commands(void)
{
	CHECK(uri_is_queue_name("Office") && uri_is_queue_name("a") &&
		uri_is_queue_name("HP_LaserJet-4.2"));
	CHECK(!uri_is_queue_name("") && !uri_is_queue_name(".") && !uri_is_queue_name("..") &&
		!uri_is_queue_name("a/b") && !uri_is_queue_name("-o") &&
		!uri_is_queue_name("a\n") && !uri_is_queue_name("a b") &&
		!uri_is_queue_name("a\"b") && !uri_is_queue_name("a@b"));
}

/* What is parsed is printed, and parsed again is the same; nothing else comes out than allowed. */
static void anything_is_refused_or_stable(void)
{
	static const char *const piece[] = {"ipp:", "ipps:", "http:", "https:", "cups:", "//", "/",
		"host", ":631", ":", "[", "::1", "]", "%25", "%41", "%", "@", ".", "..",
		"/printers/", "ipp", "\x01", "\xff", "?", "#", "1", "a", "-", "10.1.2.3", " ",
		"fe80::1%25e0"};
	unsigned seed = 99, parsed = 0, bad = 0;

	for (int round = 0; round < 300000; round++) {
		char text[600] = "", once[600], twice[600];
		struct uri u, v;
		int n = rand_r(&seed) % 9;

		if (rand_r(&seed) % 2)
			strcpy(text, rand_r(&seed) % 2 ? "ipp://" : "http://h/ipp");
		for (int i = 0; i < n; i++)
			strcat(text,
				piece[(size_t)rand_r(&seed) % (sizeof(piece) / sizeof(piece[0]))]);
		if (uri_parse(text, &u) != 0)
			continue;
		parsed++;
		bad += uri_format(once, sizeof(once), &u) != 0 || uri_parse(once, &v) != 0 ||
		       uri_format(twice, sizeof(twice), &v) != 0 || strcmp(once, twice) != 0 ||
		       memcmp(&u, &v, sizeof(u)) != 0;
		bad += u.kind != URI_CUPS &&
		       (strpbrk(once, "@? #\\\"<>\x01\xff") != NULL && !strchr(u.path, '@'));
		bad += u.kind != URI_CUPS &&
		       (u.port < 1 || u.port > 65535 || !*u.host || *u.path != '/');
		if (bad == 1)
			printf("# %s -> %s -> %s\n", text, once, twice);
	}
	CHECK(bad == 0);
	CHECK(parsed > 1000);
}

int main(void)
{
	RUN(names_of_one_printer_become_one);
	RUN(what_is_no_target_is_refused_with_its_kind);
	RUN(lengths_are_bounded);
	RUN(queue_names_are_fit_for_files_and_commands);
	RUN(anything_is_refused_or_stable);
	return tap_done();
}
