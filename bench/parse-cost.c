/* SPDX-License-Identifier: Apache-2.0 */
/* parse-cost - run a command for a file after the other and say what they cost together.
 *
 * usage: parse-cost SECONDS COMMAND... -- FILE...   "{}" in COMMAND becomes the file; without one all
 * files are given to one process. Prints: CPU seconds, peak KB of one process, processes that failed,
 * processes that were ended after SECONDS. What the command prints goes to stderr's place: nowhere,
 * or to descriptor 3 if it is open. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double cpu_s;
static long peak_kb, failed, ended;

static void run(char **argv, unsigned int seconds)
{
	struct rusage u;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(fcntl(3, F_GETFD) < 0 ? nowhere : 3, 1);
		dup2(nowhere, 2);
		alarm(seconds); /* kept over exec */
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &u) != pid) {
		perror("parse-cost");
		exit(2);
	}
	cpu_s += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	peak_kb = u.ru_maxrss > peak_kb ? u.ru_maxrss : peak_kb;
	failed += WIFEXITED(status) && WEXITSTATUS(status) != 0;
	ended += WIFSIGNALED(status) != 0;
}

int main(int argc, char **argv)
{
	int first = 2, files = 2, slot = -1;
	unsigned int seconds;

	while (files < argc && strcmp(argv[files], "--") != 0) {
		if (!strcmp(argv[files], "{}"))
			slot = files;
		files++;
	}
	if (files >= argc || files == first)
		return 2;
	seconds = (unsigned int)strtoul(argv[1], NULL, 10);
	if (slot < 0) { /* the command and all files, without the "--" */
		memmove(argv + files, argv + files + 1, (size_t)(argc - files) * sizeof(*argv));
		run(argv + first, seconds);
	} else {
		argv[files] = NULL;
		for (int i = files + 1; i < argc; i++) {
			argv[slot] = argv[i];
			run(argv + first, seconds);
		}
	}
	printf("%.3f %ld %ld %ld\n", cpu_s, peak_kb, failed, ended);
	return 0;
}
