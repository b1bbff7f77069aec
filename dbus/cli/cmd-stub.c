/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-stub - verbs that are not written yet. */
#include "cli.h"

const struct cli_option check_options[] = { { NULL } };

int cli_check(struct cli *c, int argc, char **argv)
{
	(void)argv;
	return cli_fail(c, CLI_FAILED, "check is not there yet (%d)", argc);
}
