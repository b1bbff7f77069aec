/* SPDX-License-Identifier: Apache-2.0 */
/* vendor - the one place that knows our IPP vendor prefix (RFC 8011: smiNNN-; 32473 is RFC 5612's, until we have ours). */
#pragma once

#define VENDOR "smi32473-"

/* In printer-make-and-model of every Stillprint queue (the PPD's NickName): how a loop is recognised. */
#define VENDOR_QUEUE_MODEL "Stillprint Queue"
/* Device URI scheme of the backend. */
#define VENDOR_SCHEME "stillprint"
/* What the filter writes and the backend reads. */
#define VENDOR_JOB_TYPE "application/vnd.stillprint-job"

/* Our own IPP names, the whole list; docs/wire.md says where each one goes. */
#define VENDOR_OP_SEND_ACCOUNTING 0x4F01
#define VENDOR_OP_VERIFY_LOGIN 0x4F02
#define VENDOR_CLIENT_JOB_UUID VENDOR "client-job-uuid" /* uri */
#define VENDOR_DOCUMENT_LOCATION VENDOR "document-location" /* keyword: client */
#define VENDOR_SOURCE_ONLINE VENDOR "source-online" /* boolean */
#define VENDOR_SERVER_INCARNATION VENDOR "server-incarnation" /* integer */
#define VENDOR_RELEASE_EPOCH VENDOR "release-epoch" /* integer */
#define VENDOR_HOLDER_ATTEMPT VENDOR "holder-attempt" /* integer */
#define VENDOR_DELEGATES \
	VENDOR "delegate-user-uris" /* 1setOf uri, "urn:stillprint:user:NAME" percent-encoded */
#define VENDOR_RELEASED_BY VENDOR "released-by-user-uri" /* uri */
#define VENDOR_HOLD_EXPIRATION VENDOR "hold-expiration-time" /* dateTime */
#define VENDOR_FEATURES VENDOR "features-supported" /* 1setOf keyword */
#define VENDOR_FALLBACKS VENDOR "fallback-printer-uris" /* 1setOf uri */
#define VENDOR_DEVICE_URI VENDOR "device-uri" /* uri: where the released job is to be delivered */
#define VENDOR_DEVICE_NAME VENDOR "device-name" /* name */
#define VENDOR_DEVICE_CERTIFICATE \
	VENDOR "device-certificate-sha256" /* octetString(32): SHA-256 of the SPKI */
#define VENDOR_LEASE VENDOR "lease-time" /* integer, seconds */
#define VENDOR_DIVERTED_TO \
	VENDOR "diverted-to" /* name: printed elsewhere than at the released device */
#define VENDOR_POLICY_KEY VENDOR "policy-key" /* octetString(32): Ed25519 */
#define VENDOR_LEDGER_UUID VENDOR "ledger-uuid" /* uri */
#define VENDOR_LEDGER_SEQUENCE VENDOR "ledger-sequence" /* integer */
#define VENDOR_PREVIOUS_HASH VENDOR "previous-hash" /* octetString(32) */
#define VENDOR_RECORD_UUID VENDOR "record-uuid" /* uri */
#define VENDOR_ACCOUNTING_CERTAINTY VENDOR "accounting-certainty" /* keyword */
#define VENDOR_ACKNOWLEDGED_SEQUENCE VENDOR "acknowledged-sequence" /* integer */
#define VENDOR_RECORD_STATUS VENDOR "record-status" /* keyword */
/* Who it is: Verify-Login, enrolment's answer, and whose word a job's owner is. */
#define VENDOR_LOGIN_SEALED VENDOR "login-sealed" /* octetString: auth/online.h */
#define VENDOR_LOGIN_SERVICE VENDOR "login-service" /* name: the PAM service, for the audit */
#define VENDOR_LOGIN_TTY VENDOR "login-tty" /* name */
#define VENDOR_LOGIN_RHOST VENDOR "login-rhost" /* name */
#define VENDOR_LOGIN_KIND VENDOR "login-kind" /* keyword: any, password, pin, card */
#define VENDOR_LOGIN_RESULT VENDOR "login-result" /* keyword: ok, wrong, locked, expired, later */
#define VENDOR_LOGIN_RETRY VENDOR "login-retry" /* integer, seconds */
#define VENDOR_ACCOUNT_UUID VENDOR "account-uuid" /* uri */
#define VENDOR_OWNER_VERIFIED \
	VENDOR "owner-verified" /* boolean: his computer has seen him log in */
/* One row of a ledger, beside standard names: lib/core/record.c. */
#define VENDOR_LEDGER_BASE \
	VENDOR "ledger-base" /* integer: the sequence before the ledger's first row */
#define VENDOR_RECORD_HASH VENDOR "record-hash" /* octetString(32) */
#define VENDOR_COPY_ORDINAL VENDOR "copy-ordinal" /* integer */
#define VENDOR_CLIENT_JOB_ID VENDOR "client-job-id" /* integer: the workstation's own number */
#define VENDOR_QUEUE_NAME VENDOR "queue-name" /* name */
#define VENDOR_TARGET_URI VENDOR "target-uri" /* uri: where it was printed */
#define VENDOR_DIVERTED VENDOR "diverted" /* boolean */
#define VENDOR_NOT_AT_SERVER VENDOR "not-at-server" /* boolean */
#define VENDOR_FINAL_STATE VENDOR "final-state" /* keyword: core/job.h */
#define VENDOR_PERSON_HASH VENDOR "person-hash" /* octetString(32) */
#define VENDOR_PERSON_SALT VENDOR "person-salt" /* octetString(32) */
#define VENDOR_OWNER VENDOR "owner-octets" /* octetString */
#define VENDOR_TITLE VENDOR "title-octets" /* octetString */
#define VENDOR_ACCOUNT VENDOR "account-octets" /* octetString: the server's name of the owner */

/* Our own values of job-state-reasons. */
#define VENDOR_R_OUTCOME_UNKNOWN VENDOR "outcome-unknown" /* nobody can tell whether it printed */
#define VENDOR_R_HOLDER_UNREACHABLE VENDOR "holder-unreachable" /* the holder's lease lapsed */
