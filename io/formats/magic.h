// magic.h -- what a file is by its first bytes, for the message that it is not what was expected.
#ifndef TD_IO_FORMATS_MAGIC_H
#define TD_IO_FORMATS_MAGIC_H

#include "base/err.h"

#include <stdint.h>

enum { MAGIC_BYTES = 64 }; // of a file's begin that are looked at

// ERR_DATA if the bytes begin something that is well known and not `expected` ("a safetensors
// file"): says what it is and what to do.  OK if they are nothing known.
Err magic_refuse(const char *path, const void *first, int64_t bytes, const char *expected);
// The same for the file; OK also if it cannot be read: whoever reads it next says so.
Err magic_refuse_file(const char *path, const char *expected);

#endif
