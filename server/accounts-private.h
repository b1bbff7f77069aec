/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-private - what accounts*.c share. */
#pragma once

#include "accounts.h"

enum { ACCOUNTS_NAME_MAX = 255, ACCOUNTS_SECRET_MAX = 255, ACCOUNTS_HASH_SIZE = 384 };

/* @setting: a salt's prefix, or a hash to compare with. */
int accounts_hash_with(const char *password, const char *setting, char out[ACCOUNTS_HASH_SIZE]);
/* 0, -EINVAL (empty or too long), -errno. */
int accounts_hash_new(const char *password, char out[ACCOUNTS_HASH_SIZE]);
