/* SPDX-License-Identifier: Apache-2.0 */
/* inspect - stillprint-ticket --inspect: what the parser says of files, for people and tests. */
#pragma once

/** inspect_main() - @argv[0] is not looked at; an argument "--inspect" is skipped
 * Return: the exit status: 0, 1 when a file was refused, 2 for wrong usage. */
int inspect_main(int argc, char **argv);
