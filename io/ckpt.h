// ckpt.h -- published weights (policy versions) and training states, as logical tensors.
//
// weights/vNNNN.h5 holds the tensors under the names people know, plus the model config, the
// tokenizer and the chat template as texts.  checkpoints/sNNNNNN.h5 holds the same plus the
// optimizer's moments, the step and counters.  Nothing in a file depends on the number of ranks.
#ifndef TD_IO_CKPT_H
#define TD_IO_CKPT_H

#include "base/arena.h"
#include "io/h5.h"
#include "io/run.h"

#include <stdint.h>

typedef struct CkptTensor {
    const char *name; // "model.layers.0.self_attn.q_proj.weight"
    int         rank;
    int64_t     shape[H5_DIMS_MAX];
    const char *dims; // names of the axes
} CkptTensor;

typedef struct CkptTexts {
    const char *model;      // JSON of the shape, as in a Hugging Face config.json
    const char *tokenizer;  // JSON
    const char *chat;       // chat template; may be ""
    const char *provenance; // JSON; not part of the digest
    const char *adapter; // JSON: the tensors are an adapter's, on which base; NULL: a whole model
} CkptTexts;

// Called once per tensor, in order, to bring its values into `values` (row-major, logical shape).
// `which` is 0 for weights, 1 and 2 for the optimizer's first and second moments.
typedef Err (*CkptBring)(void *self, int tensor, int which, float *values);
typedef Err (*CkptTake)(void *self, int tensor, int which, const float *values);

// Publishes weights/vNNNN.h5 (reading back what was written).  Local: one writer.  `scratch` holds
// one tensor at a time.  ERR_NUMBER, naming the tensor, if a value is not finite; ERR_IO if there
// is no room, before anything is written.
Err ckpt_write_weights(const Run *run, Arena *scratch, int64_t version, const CkptTensor *tensors,
                       int count, const CkptTexts *texts, CkptBring bring, void *self);
// A training state: `numbers` are named counters (step, iteration, ...), part of the file.
typedef struct CkptNumber {
    const char *name;
    int64_t     value;
} CkptNumber;
Err ckpt_write_state(const Run *run, Arena *scratch, int64_t step, const CkptTensor *tensors,
                     int count, const CkptTexts *texts, const CkptNumber *numbers, int n_numbers,
                     CkptBring bring, void *self);

// Reads texts first (to make the network), then tensors by name.  Sums are checked.  Local.
// path: any weights or checkpoint file.  ERR_DATA if shape or names differ, naming both.
Err ckpt_read_texts(Arena *arena, const char *path, CkptTexts *out);
Err ckpt_read_tensors(Arena *scratch, const char *path, const CkptTensor *tensors, int count,
                      int which_count, CkptTake take, void *self);
Err ckpt_read_numbers(const char *path, CkptNumber *numbers, int count);

// XXH3 over names, shapes and values of the weights, in the order of their names: content only.
Err ckpt_digest(Arena *scratch, const char *path, uint64_t *digest);

// Newest training state of the run, -1 if there is none; the second newest in *before.
Err ckpt_newest_state(const Run *run, Arena *scratch, int64_t *newest, int64_t *before);
int ckpt_has_weights(const Run *run, int64_t version);
// Removes states older than the `keep` newest.
Err ckpt_prune(const Run *run, Arena *scratch, int keep);

#endif
