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
