/* SPDX-License-Identifier: MIT */
/* Runs a target on files, and on each cut short everywhere, without libFuzzer. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX 65536
#define CUTS_MAX 512 /* of a longer file the beginning is cut */

static int replay(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data = malloc(INPUT_MAX);
	FILE *stream;
	size_t size;

	MUST(data != NULL);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	stream = fopen(path, "r");
	MUST(stream != NULL);
	size = fread(data, 1, INPUT_MAX, stream);
	fclose(stream);
	for (size_t length = 0; length <= size && length <= CUTS_MAX; length++) {
		/* Of that very size, for whoever watches the heap. */
		uint8_t *part = malloc(length > 0 ? length : 1);

		MUST(part != NULL);
		memcpy(part, data, length);
		LLVMFuzzerTestOneInput(part, length);
		free(part);
	}
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int said = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 64);
	struct dirent *entry;
	int count = 0;
	DIR *folder;

	if (argc != 2) {
		fprintf(stderr, "usage: replay FOLDER\n");
		return 2;
	}
	/* --help is among what is tried. */
	MUST(quiet >= 0 && said >= 0 && dup2(quiet, STDOUT_FILENO) >= 0);
	folder = opendir(argv[1]);
	MUST(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			count += replay(argv[1], entry->d_name);
	closedir(folder);
	dprintf(said, "%d files\n", count);
	return count > 0 ? 0 : 1;
}
