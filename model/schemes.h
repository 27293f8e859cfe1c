// schemes.h -- the tensors of each family of models, a row for each: data alone.
//
// Private to params.c and adapter_rows.h.  Order counts: starting values are drawn by a tensor's
// number in the list, and adapters count the rows.
#ifndef TD_MODEL_SCHEMES_H
#define TD_MODEL_SCHEMES_H

#include "model/params.h"

typedef enum Size {
    NONE,
    SIZE_V,
    SIZE_T,
    SIZE_D,
    SIZE_F,
    SIZE_2F,
    SIZE_HK,
    SIZE_GK,
    SIZE_QKV,
    SIZE_K
} Size;

typedef enum Start { START_ONES, START_ZEROS, START_WIDE, START_INTO } Start; // INTO the residual

typedef enum When {
    ALWAYS,
    WHEN_BIAS_QKV,
    WHEN_BIAS_OUT,
    WHEN_BIAS_MLP,
    WHEN_QK_NORM,
    WHEN_UNTIED
} When;

typedef struct Row {
    ParamRole   role;
    const char *name;          // NULL: the end of the rows
    Size        rows, columns; // columns NONE: a vector
    Start       start;
    When        when;
    ParamFile   file;
} Row;

// Rows before the layers, of every layer, after them.
typedef struct Scheme {
    const char *prefix, *layers;
    const Row  *before, *layer, *after;
} Scheme;

extern const Scheme *const schemes[]; // [FAMILY_...]

// Whether a model of these sizes has the row.
int scheme_has(const Dims *d, When when);

#endif
