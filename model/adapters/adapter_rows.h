// adapter_rows.h -- the rows of a family's table as adapters see them: numbers, kinds and paths.
//
// Private to adapter.c and adapter_text.c.
#ifndef TD_MODEL_ADAPTERS_ADAPTER_ROWS_H
#define TD_MODEL_ADAPTERS_ADAPTER_ROWS_H

#include "model/schemes.h"

enum { ROW_PATH_ROOM = 160, ROWS_MAX = 64 };

typedef struct Place { // a row of the family's table
    const Row *row;
    int        is_layer; // of every layer; else of none
} Place;

typedef struct Places { // number = bit
    Place at[ROWS_MAX];
    int   count;
} Places;

Places rows_of(const Dims *d);

int row_is_linear(const Row *row);
int row_is_embedding(const Row *row);
int row_is_attention(const Row *row);
int row_is_norm(const Row *row); // its weight or its bias

// "model.layers.3.self_attn.q_proj": the module of a row, without what its tensor is called.
const char *row_path(const Dims *d, const Place *p, int layer, char out[ROW_PATH_ROOM]);
// "q_proj"
const char *row_short(const Row *row, char out[ROW_PATH_ROOM]);
// Whether a path is the name, or ends with "." and it.
int row_is_named(const char *path, const char *name);

#endif
