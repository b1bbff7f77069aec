/* SPDX-License-Identifier: Apache-2.0 */
/* admin-user - what the files of `user` and `group` share. */
#pragma once

#include "accounts.h"
#include "admin.h"

struct user_options {
	const char *full_name, *digits, *remove, *label, *group;
	bool no_password, generate, csv, secrets, dry_run, yes;
};

/* A change to @name: runs @fn in a transaction with an audit line about him; says what is wrong, or @done. Exit code. */
typedef int user_fn(struct admin *a, const char *name, void *arg);
int user_change(struct admin *a, const char *name, user_fn *fn, void *arg, const char *event,
	const char *detail, const char *done);
/* The message for a positive answer or an error about @name. Exit code. */
int user_said(struct admin *a, const char *name, int rc);
/* The site's pepper: 0, or the exit code. */
int user_pepper(struct admin *a, struct hash_pepper *out);

int user_pin(struct admin *a, const struct user_options *o, const char *const *word, int count);
int user_card(struct admin *a, const struct user_options *o, const char *const *word, int count);
int user_show(struct admin *a, const struct user_options *o, const char *const *word, int count);
int user_export(struct admin *a, const struct user_options *o, const char *const *word, int count);
int user_erase(struct admin *a, const struct user_options *o, const char *const *word, int count);
int user_list_csv(struct admin *a, bool secrets);
/* @fd: of the file, opened as who called. */
int user_import(struct admin *a, const struct user_options *o, const char *path, int fd);
