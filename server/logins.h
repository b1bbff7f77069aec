/* SPDX-License-Identifier: Apache-2.0 */
/* logins - Verify-Login: a machine asks whether that is he who logs in there. The secret comes sealed to the server's login
 * key (auth/online.h), is opened here alone, and is looked at by threads beside the application's. docs/wire.md. */
#pragma once

#include "base/auto.h"

struct app;
struct logins;

/** logins_new() - begin: reads the login key, starts the threads; after db_open()
 * @app: its .serve, .config are used; it must outlive the logins. Return: 0 or -errno. */
int logins_new(struct app *app, struct logins **out);
/* What waits is forgotten; the calls themselves are serve's. After serve_run() has returned. */
void logins_free(struct logins *l);
AUTO_DEFINE(struct logins *, logins_free)
