/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_COMMAND_H
#define FDPASS_FDRECV_COMMAND_H

/* The command that is run with what was received. */

/* As a shell says it, and env(1), nice(1) and the others. */
enum { COMMAND_NOT_EXECUTABLE = 126, COMMAND_NOT_FOUND = 127 };

/*
 * Finds the program that execvp(3) would run, before anything is taken from anybody. Returns its
 * path, which the caller frees; or NULL with COMMAND_NOT_FOUND or COMMAND_NOT_EXECUTABLE in
 * `*ret_status` and errno set.
 */
char *fdrecv_command_find(const char *name, int *ret_status);

/* 1 when it is a file that nobody may execute. */
int fdrecv_command_is_no_program(const char *name);

/* Runs it in place of this process; a script without "#!" by the shell, as execvp(3) does. Returns
 * only on failure, with errno set: the exit status. */
int fdrecv_command_exec(const char *path, char **arguments);

#endif
