// import_adapter.h -- adapters and the models below them: found, checked, loaded, described.
#ifndef TD_MODEL_ADAPTERS_IMPORT_ADAPTER_H
#define TD_MODEL_ADAPTERS_IMPORT_ADAPTER_H

#include "io/ckpt.h"
#include "model/files/import.h"
#include "model/net.h"

// "ADAPTER@BASE": the first half, and the second in *base; `path` itself where it names a file.
const char *import_split(Arena *run, const char *path, const char **base);

// For import_find: a folder of PEFT; a weight file of ours, out->chosen, whose texts were read.
// `base`: as given by hand, or NULL.  ERR_DATA if the base is not there, saying what to do.
Err import_adapter_folder(Arena *run, const char *path, const char *base, ImportModel *out);
Err import_adapter_file(Arena *run, const CkptTexts *texts, const char *base, ImportModel *out);

// Puts one more adapter on top, whatever it was made on: a folder of PEFT, a weight file of ours
// that holds one, or a run directory with such files.  ERR_CONFIG if there are too many.
Err import_add(Arena *run, const char *path, ImportModel *m);

// Where the weights of a network with adapters come from, for files that hold its last adapter.
typedef struct ImportOrigin {
    char     base[4096];
    uint64_t digest;
    char     under[ADAPTERS_MAX][4096];
    uint64_t under_digest[ADAPTERS_MAX];
    int      unders;
} ImportOrigin;

// The base's weights and those of all adapters of m into the network; an adapter that it has
// besides stays.  A base or adapter with other weights than the file was made on is ERR_DATA,
// saying what to do.  `origin`: what was read, or NULL.  The network is not packed.
Err import_load_net(Arena *scratch, const ImportModel *m, Net *net, ImportOrigin *origin);

// The text for CkptTexts.adapter: the plan of the last adapter of d, and what it stands on.
void import_write_origin(Text *t, const Dims *d, const ImportOrigin *origin);
// Whether a file with such a text was made on this base.  ERR_DATA.
Err import_same_origin(Arena *scratch, const char *path, const char *text,
                       const ImportOrigin *origin);

#endif
