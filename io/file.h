// file.h -- files that are complete or absent, even after a power cut.
//
// What must not be seen half-written is written under a temporary name and moved into place when it
// is known to be right: write, flush, fsync, read again and compare, rename, fsync of the folder.
// All functions here are local.
#ifndef TD_IO_FILE_H
#define TD_IO_FILE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { FILE_PATH_MAX = 4096 };

// "a/b" joined into out; ERR_CONFIG if too long.
Err file_join(char out[FILE_PATH_MAX], const char *folder, const char *name);

int     file_exists(const char *path);
int     file_is_folder(const char *path);
int64_t file_bytes(const char *path); // -1 if there is none
// Whether a path is the folder or lies in it, links followed; 0 where one of the two is not there.
int file_is_inside(const char *path, const char *folder);
Err file_make_folder(const char *path); // with parents; OK if it exists.  ERR_IO
Err file_remove(const char *path);      // OK if there is none.  ERR_IO

// The whole file into `arena`, with a zero byte behind it that is not counted.  ERR_IO naming the
// path and the system's reason; ERR_DATA above max_bytes.
Err file_read(Arena *arena, const char *path, int64_t max_bytes, char **data, int64_t *bytes);

// XXH3 of bytes [from, end of file), and how many they are.  ERR_IO.
Err file_sum(const char *path, int64_t from, uint64_t *sum, int64_t *bytes);

// Waits until what was written to `path`, a file or a directory, is on the disk.  ERR_IO.
// After a failure the file is lost: a second fsync would lie.  Write a new one.
Err file_sync(const char *path);

// Gives a synced file its name, replacing an older one, and syncs the folder.  ERR_IO.
Err file_move(const char *part, const char *path);

// Writes bytes as a whole published file (temporary name `path`.part-<tag>, read back, moved).
Err file_publish(const char *path, const char *tag, const void *data, int64_t bytes);

// Free bytes on the file system of `path`'s folder; -1 if unknown.
int64_t file_space(const char *path);

// Names in a folder, sorted; names[i] in `arena`.  A folder that does not exist is empty.
Err file_list(Arena *arena, const char *folder, char ***names, int *count);

#endif
