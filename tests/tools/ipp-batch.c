/* SPDX-License-Identifier: Apache-2.0 */
/* ipp-batch - accounting batches as a workstation sends them, for curl: ipptool cannot make their hashes.
 * usage: ipp-batch write LEDGER FIRST COUNT [WORD]   a Send-Accounting-Records on stdout: records FIRST… of the ledger's
 *        chain, whose owner is WORD ("anna" unless told); another word makes another chain
 *        ipp-batch show                              the answer on stdin as "status=0x0000 acknowledged=3 accepted duplicate" */
#include <cups/ipp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "core/record.h"
#include "core/vendor.h"
#include "core/wire.h"

/* Record @i of the ledger, after the one whose hash is in @hash, which becomes its own. */
static void make(struct record *r, const char *ledger, int i, const char *owner, uint8_t hash[32])
{
	memset(r, 0, sizeof(*r));
	r->sequence = i;
	snprintf(r->record_uuid, sizeof(r->record_uuid), "%.40s%05d", ledger, i);
	snprintf(r->document_uuid, sizeof(r->document_uuid), "%.35s%05d1", ledger, i);
	r->attempt = 1;
	r->job_id = i;
	strcpy(r->queue, "Office");
	strcpy(r->target, "ipps://printer.example.com/ipp/print");
	r->state = JOB_COMPLETED;
	r->certainty = CERTAINTY_DEVICE;
	r->impressions = 2;
	r->sheets = 1;
	r->copies = 1;
	r->created_s = 1790000000;
	r->ended_s = 1790000000 + i;
	r->has_person = true;
	memset(r->salt, i, sizeof(r->salt));
	snprintf(r->owner, sizeof(r->owner), "%s", owner);
	strcpy(r->title, "a title");
	memcpy(r->previous, hash, 32);
	record_hash_person(r, r->person_hash);
	record_hash(r, r->hash);
	memcpy(hash, r->hash, 32);
}

static int write_batch(const char *ledger, int first, int count, const char *owner)
{
	AUTO(wire_deletep) ipp_t *m = wire_new();
	AUTO(auto_free) void *octets = NULL;
	struct record r;
	uint8_t hash[32];
	size_t size = 0;

	record_base(ledger, hash);
	ippSetVersion(m, 2, 0);
	ippSetOperation(m, VENDOR_OP_SEND_ACCOUNTING);
	ippSetRequestId(m, 1);
	ippAddString(m, IPP_TAG_OPERATION, IPP_TAG_URI, "system-uri", NULL,
		"ipps://localhost/ipp/system");
	ippAddString(m, IPP_TAG_OPERATION, IPP_TAG_URI, VENDOR_LEDGER_UUID, NULL, ledger);
	ippAddInteger(m, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_LEDGER_SEQUENCE, first);
	for (int i = 1; i < first + count; i++) {
		make(&r, ledger, i, owner, hash);
		if (i >= first && record_write(m, &r))
			return 1;
	}
	if (wire_encode(m, &octets, &size))
		return 1;
	return fwrite(octets, 1, size, stdout) != size;
}

static int show(void)
{
	AUTO(wire_deletep) ipp_t *m = NULL;
	ipp_attribute_t *a;
	char octets[65536];
	size_t count = fread(octets, 1, sizeof(octets), stdin);

	if (wire_decode(octets, count, &m)) {
		printf("no answer in %zu octets\n", count);
		return 1;
	}
	printf("status=0x%04x", (unsigned)ippGetStatusCode(m));
	a = ippFindAttribute(m, VENDOR_ACKNOWLEDGED_SEQUENCE, IPP_TAG_INTEGER);
	if (a)
		printf(" acknowledged=%d", ippGetInteger(a, 0));
	for (a = ippFirstAttribute(m); a; a = ippNextAttribute(m))
		if (ippGetName(a) && !strcmp(ippGetName(a), VENDOR_RECORD_STATUS))
			printf(" %s", ippGetString(a, 0, NULL));
	putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[1], "write"))
		return write_batch(
			argv[2], atoi(argv[3]), atoi(argv[4]), argc > 5 ? argv[5] : "anna");
	if (argc == 2 && !strcmp(argv[1], "show"))
		return show();
	fputs("usage: ipp-batch write LEDGER FIRST COUNT [WORD] | show\n", stderr);
	return 2;
}
