/* SPDX-License-Identifier: MIT */
/* Whether the parts of fdsend's command line go together, once all of it was read. */
#include "tools/fdsend/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/number.h"
#include "cli/sockspec.h"
#include "tools/fdsend/program.h"

/* --mode must have something to be about: sockets are shared as they are. */
static void check_mode(const struct request *request)
{
	const char *socket = NULL;

	for (size_t i = 0; i < request->source_count; i++) {
		const struct source *source = &request->sources[i];

		if (source->kind == SOURCE_FILE || source->kind == SOURCE_NUMBERS)
			return;
		if (source->kind == SOURCE_MATCHED && !fdpass_match_is_socket(source->match))
			return;
		if (source->kind == SOURCE_MATCHED)
			socket = source->text;
	}
	cli_usage_error(&fdsend_program,
			"--mode: '%s' describes sockets, which are shared as they are", socket);
}

/* --pid and what goes with it. */
static void check_process(const struct request *request)
{
	size_t files = fdsend_request_count(request, SOURCE_FILE);
	size_t taken = fdsend_request_count(request, SOURCE_NUMBERS) +
		       fdsend_request_count(request, SOURCE_MATCHED);

	if (request->process.text == NULL && fdsend_request_count(request, SOURCE_MATCHED) > 0)
		cli_usage_error(&fdsend_program,
				"--match needs --pid: the process, such as --pid listen:8080");
	if (request->process.text == NULL && request->dup_spelling[0] != '\0')
		cli_usage_error(&fdsend_program,
				"%s is for the descriptors of --pid, which was not given",
				request->dup_spelling);
	if (request->process.text != NULL && taken == 0)
		cli_usage_error(&fdsend_program,
				"--pid %s: which of its descriptors? Name them with --fd LIST or "
				"--match EXPR; --list shows them",
				request->process.text);
	if (request->mode != NULL && files == 0 && request->process.text == NULL)
		cli_usage_error(&fdsend_program,
				"--mode is for --open and --pid, and neither was given");
	if (request->mode != NULL && files == 0 && request->dup_spelling[0] != '\0')
		cli_usage_error(&fdsend_program,
				"--mode: %s shares the open file, with the mode that it has",
				request->dup_spelling);
	if (request->mode != NULL)
		check_mode(request);
}

/* -c 1, or -c 01. */
static int is_connected_stdout(const struct request *request)
{
	uint64_t number;

	return request->kind.value == FDPASS_ADDRESS_CONNECTED &&
	       cli_number_parse(request->socket, STDOUT_FILENO, &number) == CLI_NUMBER_OK &&
	       number == STDOUT_FILENO;
}

static void check(const struct request *request)
{
	if (request->source_count == 0 && request->process.text == NULL)
		cli_usage_error(
			&fdsend_program,
			"nothing to send: name descriptors with --fd LIST, such as -f 0 for "
			"standard input, or have them opened with --open, --listen or --connect");
	check_process(request);
	if (request->until != FDPASS_UNTIL_ACCEPTED && request->confirm == FDPASS_CONFIRM_NONE)
		cli_usage_error(&fdsend_program,
				"--no-confirm does not wait for what --until-%s waits for",
				request->until == FDPASS_UNTIL_ENDED ? "exit" : "run");
	if (request->for_listening[0] != '\0' &&
	    fdsend_request_count(request, SOURCE_LISTENING) == 0)
		cli_usage_error(&fdsend_program, "%s is for --listen, which was not given",
				request->for_listening);
	for (size_t i = 0; i < request->source_count && is_connected_stdout(request); i++) {
		if (fdsend_source_is_chosen(&request->sources[i]))
			cli_usage_error(&fdsend_program,
					"'%s': the port that is chosen is printed on descriptor 1, "
					"which cannot be the SOCKSPEC too",
					request->sources[i].text);
	}
	cli_sockspec_check(&fdsend_program, request->kind.value, request->socket,
			   "--listen or --connect opens one, --match finds what a process holds");
}

/* --list and --pidref: nothing is sent. */
static void check_asking(const struct request *request)
{
	const char *option = request->what == REQUEST_LIST ? "--list" : "--pidref";
	const char *surplus = request->socket != NULL ? request->socket : request->for_sending;

	if (request->process.text == NULL)
		cli_usage_error(&fdsend_program,
				"--list needs --pid: the process whose descriptors it prints");
	if (request->socket != NULL || request->for_sending[0] != '\0')
		cli_usage_error(&fdsend_program,
				"%s only prints, and sends nothing: what is '%s' for?", option,
				surplus);
}

void fdsend_request_check(const struct request *request)
{
	if (request->what != REQUEST_SEND) {
		check_asking(request);
		return;
	}
	if (request->socket == NULL)
		cli_usage_error(&fdsend_program, "no SOCKSPEC: where should the descriptors go?");
	check(request);
}

/* As `kind`, what an ADDR names; the caller frees it. NULL: nothing of that kind. */
static struct fdpass_address *address_of(const char *text, enum fdpass_address_kind kind)
{
	int abstract = strncmp(text, "unix-abstract:", strlen("unix-abstract:")) == 0;
	const char *name = strchr(text, ':') + 1;
	struct fdpass_address *address;
	char *path;
	int r;

	if (strncmp(text, "unix", 4) != 0 || kind == FDPASS_ADDRESS_CONNECTED ||
	    abstract != (kind == FDPASS_ADDRESS_ABSTRACT))
		return NULL;
	/* A path without a '/' is one from here, and not in the run directory. */
	r = asprintf(&path, "%s%s", abstract || strchr(name, '/') != NULL ? "" : "./", name);
	if (r < 0)
		cli_out_of_memory(&fdsend_program);
	r = fdpass_address_parse(kind, path, &address, NULL);
	free(path);
	if (r == -ENOMEM)
		cli_out_of_memory(&fdsend_program);
	return r == 0 ? address : NULL;
}

void fdsend_request_check_address(const struct request *request,
				  const struct fdpass_address *address)
{
	enum fdpass_address_kind kind = request->kind.value;

	for (size_t i = 0; i < request->source_count; i++) {
		const struct source *source = &request->sources[i];
		struct fdpass_address *made =
			source->kind == SOURCE_LISTENING ? address_of(source->text, kind) : NULL;

		if (made != NULL && cli_sockspec_is_same(kind, made, address))
			cli_usage_error(&fdsend_program,
					"'%s' is the socket that --listen %s makes, where nobody "
					"receives",
					request->socket, source->text);
		fdpass_address_free(made);
	}
}
