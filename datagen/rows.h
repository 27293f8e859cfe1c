// rows.h -- finished records as columns.  For produce.c.
#ifndef TD_DATAGEN_ROWS_H
#define TD_DATAGEN_ROWS_H

#include "datagen/recipe.h"
#include "io/set.h"

// Records in the order of their ids.  Everything is copied into `arena`.
void rows_make(Arena *arena, const Recipe *recipe, int64_t iteration, Record *const *records,
               int64_t R, SetRows *out);

#endif
