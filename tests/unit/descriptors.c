/* SPDX-License-Identifier: MIT */
/* Proves that a test ends with the descriptor table that it began with. */
#include "descriptors.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

struct entry {
	int fd;
	dev_t device;
	ino_t inode;
};

struct table {
	struct entry *entries;
	size_t count;
};

static struct table before;

static int compare_entries(const void *a, const void *b)
{
	int x = ((const struct entry *)a)->fd, y = ((const struct entry *)b)->fd;

	return (x > y) - (x < y);
}

static struct table read_table(void)
{
	struct table table = {NULL, 0};
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *item;

	ck_assert_ptr_nonnull(directory);
	while ((item = readdir(directory)) != NULL) {
		struct stat status;
		int fd = atoi(item->d_name);

		if (item->d_name[0] == '.' || fd == dirfd(directory))
			continue;
		ck_assert_int_eq(fstat(fd, &status), 0);
		table.entries = realloc(table.entries, (table.count + 1) * sizeof(struct entry));
		ck_assert_ptr_nonnull(table.entries);
		table.entries[table.count++] = (struct entry){fd, status.st_dev, status.st_ino};
	}
	closedir(directory);
	if (table.count > 0)
		qsort(table.entries, table.count, sizeof(struct entry), compare_entries);
	return table;
}

void descriptors_before(void)
{
	before = read_table();
}

void descriptors_after(void)
{
	struct table after = read_table();
	size_t i = 0, j = 0;

	while (i < before.count || j < after.count) {
		if (j == after.count ||
		    (i < before.count && before.entries[i].fd < after.entries[j].fd))
			ck_abort_msg("descriptor %d was closed", before.entries[i].fd);
		if (i == before.count || after.entries[j].fd < before.entries[i].fd)
			ck_abort_msg("descriptor %d was left open", after.entries[j].fd);
		if (before.entries[i].device != after.entries[j].device ||
		    before.entries[i].inode != after.entries[j].inode)
			ck_abort_msg("descriptor %d is another file now", before.entries[i].fd);
		i++;
		j++;
	}
	free(before.entries);
	free(after.entries);
	before = (struct table){NULL, 0};
}

TCase *descriptors_tcase(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, descriptors_before, descriptors_after);
	return tcase;
}

TCase *descriptors_tcase_tagged(const char *tag)
{
	TCase *tcase = descriptors_tcase(tag);

	tcase_set_tags(tcase, tag);
	return tcase;
}
