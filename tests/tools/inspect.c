/* SPDX-License-Identifier: Apache-2.0 */
/* inspect - stillprint-ticket --inspect as a program of its own, for the tests and the bench. */
#include "../../filter/inspect.h"

int main(int argc, char **argv)
{
	return inspect_main(argc, argv);
}
