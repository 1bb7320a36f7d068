/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/item/kill.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/item/space.h"

void kill_begin(void)
{
	raise(SIGSTOP);
}

static pid_t start(void (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	require(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(EXIT_FAILURE);
		fn(arg);
		fflush(NULL);
		_exit(EXIT_SUCCESS);
	}
	return pid;
}

static void finished(int status)
{
	require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the run that was to be killed "
							       "failed by itself");
}

bool kill_at(unsigned int n, void (*fn)(void *arg), void *arg)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
	pid_t pid = start(fn, arg);
	bool entry = true;
	int status, sig;

	require(waitpid(pid, &status, 0) == pid, "waitpid");
	require(WIFSTOPPED(status), "no kill_begin()");
	require(ptrace(PTRACE_SETOPTIONS, pid, NULL, options) == 0, "ptrace: %s", strerror(errno));
	for (sig = 0;;) {
		require(ptrace(PTRACE_SYSCALL, pid, NULL, sig) == 0, "ptrace: %s", strerror(errno));
		require(waitpid(pid, &status, 0) == pid, "waitpid");
		if (!WIFSTOPPED(status)) {
			finished(status);
			return false;
		}
		sig = WSTOPSIG(status);
		if (sig != (SIGTRAP | 0x80))
			continue; /* a signal of its own: handed on */
		sig = 0;
		if (entry && --n == 0)
			break;
		entry = !entry;
	}
	kill(pid, SIGKILL);
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	return true;
}
