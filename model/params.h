// params.h -- the one table of tensors: layout, names, initial spread, decay.
//
// All parameters stand in one flat float vector, padded to REDUCE_BLOCK so that it can be sliced.
// Matrices are [out][in].  The query, key and value matrices of a layer stand next to each other,
// in this order, as do gate and up: one product serves them all.
#ifndef TD_MODEL_PARAMS_H
#define TD_MODEL_PARAMS_H

#include "base/arena.h"
#include "io/ckpt.h"
#include "model/dims.h"

#include <stdint.h>

typedef enum ParamRole {
    PARAM_EMBED,    // [V][D]
    PARAM_POSITION, // [T][D], learned positions
    PARAM_NORM1,
    PARAM_NORM1_BIAS, // [D], before attention
    PARAM_QKV,        // first of the query/key/value matrices, together [(H+2G)K][D]
    PARAM_QKV_REST,   // the others of them
    PARAM_QKV_BIAS,   // first of their biases, together [(H+2G)K]
    PARAM_QKV_BIAS_REST,
    PARAM_Q_NORM,
    PARAM_K_NORM, // [K], of every head
    PARAM_OUT,
    PARAM_OUT_BIAS, // [D][H K]
    PARAM_POST1,    // [D], after attention
    PARAM_NORM2,
    PARAM_NORM2_BIAS, // [D], before the MLP
    PARAM_UP, // gate (SwiGLU) or the only inner matrix; with PARAM_UP_REST [2F][D] or [F][D]
    PARAM_UP_REST,
    PARAM_UP_BIAS,
    PARAM_UP_BIAS_REST,
    PARAM_DOWN,
    PARAM_DOWN_BIAS, // [D][F]
    PARAM_POST2,     // [D], after the MLP
    PARAM_NORMF,
    PARAM_NORMF_BIAS, // [D], after the last layer
    PARAM_HEAD,       // [V][D]; absent when tied
    PARAM_LORA_A,     // [rank][in], of an adapter: its table alone has these
    PARAM_LORA_B,     // [out][rank]
    PARAM_ROLES
} ParamRole;

// How a file holds what we keep as [out][in].
typedef enum ParamFile {
    FILE_AS_KEPT,
    FILE_TRANSPOSED, // [in][out] (gpt2's Conv1D)
    FILE_BY_HEAD // rows [head][query, key, value][K], not [query, key, value][head][K] (gpt_neox)
} ParamFile;

typedef struct Param {
    ParamRole role;
    int       layer;         // -1 outside layers
    char      name[96];      // as in Hugging Face files; of adapters as in those of PEFT
    int       rank;          // 1 or 2
    int64_t   rows, columns; // [rows][columns] as we keep it; rank 1: [rows], columns 1
    int64_t   offset;        // floats from the start of the flat vector
    int       decays;        // weight decay applies: 2-d and not an embedding
    double    std;           // initial spread; -1: ones, 0: zeros
    ParamFile file;
    int       base; // of an adapter: the tensor of the base's table that it changes; else its own
} Param;

typedef struct Params {
    Dims     dims;
    int      adapter; // whose table it is, a number in dims.adapter; PARAMS_BASE: the network's
    int      count;
    Param   *list;   // [count]
    int64_t *index;  // [L + 1][PARAM_ROLES]: offsets by layer and role, -1 where there is none
    int64_t  total;  // floats that are parameters
    int64_t  padded; // floats of the flat vector, a multiple of REDUCE_BLOCK
} Params;

// The network's own tensors, without its adapters.
enum { PARAMS_BASE = -1 };
Params  params_make(Arena *run, const Dims *d);
int64_t params_need(const Dims *d);  // bytes of the table
Params  params_plan(const Dims *d);  // the sums alone: list is NULL
int64_t params_count(const Dims *d); // total, without making it

// The same of adapter n of d: A and B of every target, and the tensors that are trained beside
// them, with the names that PEFT's files have; its own flat vector.  PARAMS_BASE: as above.
Params  params_make_of(Arena *run, const Dims *d, int adapter);
int64_t params_need_of(const Dims *d, int adapter);
Params  params_plan_of(const Dims *d, int adapter);
// Calls `visit` with every tensor of the table in order, without making it; names are empty.
void params_visit(const Dims *d, int adapter, void (*visit)(void *self, const Param *one),
                  void *self);
// Whose tensors training changes: the last adapter unless it is frozen, else PARAMS_BASE.
int params_tuned(const Dims *d);

// What names of the family begin with, but for the head; published files may go without.
const char *params_prefix(const Dims *d);
// The name of an untied head.
const char *params_head_name(const Dims *d);

// Offset of the first float of a role in a layer (-1 outside layers); -1 if the family has none.
int64_t params_at(const Params *p, ParamRole role, int layer);

// Starting values, from the seed alone: tensor n draws from stream ("init", n); A of an adapter is
// uniform within 1 / sqrt(inputs), as PEFT draws it.
void params_init(const Params *p, uint64_t seed, float *flat);

// XXH3 over the sizes of the network and its weights, the same from whatever kind of file they
// came.
uint64_t params_digest(Arena *scratch, const Params *p, const float *flat);

// The table as io/ckpt wants it (shapes as in files), and its two callbacks: `self` is a
// ParamsFile.
typedef struct ParamsFile {
    const Params *params;
    float        *flat[3]; // weights, first and second moments; NULL where not asked
} ParamsFile;
const CkptTensor *params_tensors(Arena *run, const Params *p);
Err               params_bring(void *params_file, int tensor, int which, float *values);
Err               params_take(void *params_file, int tensor, int which, const float *values);

#endif
