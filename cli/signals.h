/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_SIGNALS_H
#define FDPASS_CLI_SIGNALS_H

/*
 * Signals that would end the program become a descriptor, so that a wait ends and things are cleaned
 * up before the program dies by the signal after all.
 *
 * They are blocked and wait in the kernel, so none is lost, however shortly before a wait it comes.
 * No disposition is ever changed: what the caller ignores stays ignored, here and in the command.
 */

/* Blocks them and makes the descriptor. Call it once, after cli_standard_reserve(). 0 or a negative
 * errno, with nothing changed. */
int cli_signals_block(void);

/* The descriptor, readable when a signal has come: for fdpass_wait's cancel_fd, which does not read
 * it. This file owns it; it is close-on-exec. -1 before cli_signals_block(). */
int cli_signals_fd(void);

/* Moves it to a number that is at least `lowest`. 0 or a negative errno, with nothing changed. */
int cli_signals_move(int lowest);

/* Takes a signal that has come and returns its number; 0 when none has. */
int cli_signals_caught(void);

/* Ends the process by `signal`, after cleaning up. Where the kernel does not let it (PID 1 of a PID
 * namespace: pid_namespaces(7)) it exits with 128 + `signal`. */
_Noreturn void cli_signals_die(int signal);

/* Gives the inherited mask back, right before exec: 0; or takes a signal that has come meanwhile, for
 * cli_signals_die(), and returns its number. */
int cli_signals_restore(void);

#endif
