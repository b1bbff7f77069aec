/* SPDX-License-Identifier: Apache-2.0 */
/* parse-cost - run a command for a file after the other and say what they cost together.
 *
 * usage: parse-cost [-t] SECONDS COMMAND... -- FILE...   "{}" in COMMAND becomes the file; without one all
 * files are given to one process. Prints: CPU seconds, peak KB of one process, processes that failed,
 * processes that were ended after SECONDS. With -t the peak is that of a process and its child together, what
 * they share counted twice, looked at each millisecond. What the command prints goes to stderr's place: nowhere,
 * or to descriptor 3 if it is open. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double cpu_s;
static long peak_kb, failed, ended;

static bool together;

/* The number after @key in a file of /proc; 0 without it. */
static long number_in(const char *name, const char *key)
{
	char line[256];
	long v = 0;
	FILE *f = fopen(name, "re");

	while (f && !v && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = strtol(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return v;
}

static long resident_kb(pid_t pid)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	return number_in(name, "VmRSS:");
}

/* Waits for @pid and looks at it and its newest child meanwhile. */
static void watch(pid_t pid)
{
	siginfo_t info = {0};
	char children[64];

	snprintf(children, sizeof(children), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	while (!waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid) {
		pid_t child = (pid_t)number_in(children, "");
		long kb = resident_kb(pid) + (child ? resident_kb(child) : 0);

		peak_kb = kb > peak_kb ? kb : peak_kb;
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
}

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
	if (together && pid > 0)
		watch(pid);
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
	int first = 2, files, slot = -1;
	unsigned int seconds;

	together = argc > 1 && !strcmp(argv[1], "-t");
	argc -= together;
	argv += together;
	files = first;

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
