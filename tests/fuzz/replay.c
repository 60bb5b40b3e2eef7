/*
 * replay.c - runs a fuzz target over its corpus where there is no libFuzzer.
 *
 * `fuzz_NAME` without arguments plays all files of tests/fuzz/corpus/NAME;
 * arguments are files or folders to play instead.
 */

#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int
play_file(const char *path, size_t size)
{
	/* Exactly as large as the input, so that ASan sees a read beyond. */
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");
	size_t got;

	if (!file || !data) {
		perror(path);
		exit(1);
	}
	got = fread(data, 1, size, file);
	fclose(file);
	if (got != size) {
		fprintf(stderr, "%s: short read\n", path);
		exit(1);
	}
	/* The last line before a crash names the input. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

/* Returns how many inputs were played. */
static int
play(const char *path)
{
	struct dirent *entry;
	struct stat st;
	char inner[4096];
	int n = 0;
	DIR *dir;

	if (stat(path, &st) < 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode))
		return play_file(path, (size_t)st.st_size);
	dir = opendir(path);
	if (!dir) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		n += play(inner);
	}
	closedir(dir);
	return n;
}

static int
play_corpus(const char *program)
{
	const char *top = getenv("top_srcdir");
	const char *name = strstr(program, "fuzz_");
	char path[4096];

	/* The folder tests/fuzz has no underscore: this is the program. */
	if (!name) {
		fprintf(stderr, "%s: not named fuzz_NAME\n", program);
		exit(1);
	}
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top ? top : ".",
		 name + strlen("fuzz_"));
	return play(path);
}

int
main(int argc, char **argv)
{
	int n = 0;

	if (argc < 2)
		n = play_corpus(argv[0]);
	for (int i = 1; i < argc; i++)
		n += play(argv[i]);
	printf("%d inputs replayed\n", n);
	return n ? 0 : 1;
}
