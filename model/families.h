// families.h -- what the configs of each family of models say, and what is always so: data alone.
//
// Private to dims.c.  The tensors of the families are rows of the tables in schemes.c.
#ifndef TD_MODEL_FAMILIES_H
#define TD_MODEL_FAMILIES_H

#include "model/dims.h"

#include <stddef.h>

typedef struct DimsKeys { // NULL: the family has no such key
    const char *width, *inner, *context, *layers, *heads, *groups, *head_width, *eps, *activation;
} DimsKeys;

// Activations that a config may name.  The first is written, and stands for an absent key; a NULL
// name ends the list.
typedef struct MlpName {
    const char *name;
    MlpKind     kind;
} MlpName;

typedef enum WindowRule {
    WINDOW_NONE,
    WINDOW_EVERYWHERE, // sliding_window
    WINDOW_SWITCHED,   // if use_sliding_window: from layer max_window_layers on, or layer_types
    WINDOW_BUT_NTH     // all layers but every n-th, or layer_types
} WindowRule;

// A bound that a config may give: null is none, an absent key the standard (0: none).
typedef struct CapKey {
    const char *key; // NULL: the family has no such bound
    double      standard;
} CapKey;

typedef struct FamilyRow {
    const char     *type, *architecture;
    const DimsKeys *keys;
    NormKind        norm;
    double          eps; // of the norm, where the config has none
    PositionKind    position;
    RopeKeys        rope;
    int             may_turn_partly; // rotary positions on a part of the head
    const MlpName  *mlp;
    int             bias; // always there; switches below may add to it
    int             has_qk_norm;
    int             norm_is_offset, has_post_norm, scales_embed; // as in Dims
    double          query_scalar; // where the config has no query_pre_attn_scalar; 0: it may not
    CapKey          score_cap, logit_cap;
    WindowRule      window;
    int             nth;          // WINDOW_BUT_NTH
    const char     *nth_key;      // where the config says n; NULL: nowhere
    int             window_width; // where the config has no sliding_window; 0: no window
    int             is_tied;      // where the config does not say
    int             inner_times;  // where the config has no inner width, F is so many D; 0: it must
    int             head_width;   // where the config has none; 0: D / H
    int             has_all_groups; // where num_key_value_heads is absent, G is H
    const char     *also;           // written besides; NULL: nothing
} FamilyRow;

// [FAMILY_...]
enum { FAMILIES = FAMILY_GEMMA3 + 1 };
extern const FamilyRow families[FAMILIES];

// What "true" turns on, or the one value that is supported.  A NULL key ends the list.
typedef struct Switch {
    const char *key;
    unsigned    families; // bits
    int         standard;
    int         bias;  // what true adds
    size_t      field; // the int of Dims that it sets
    int         fixed; // any but the standard is refused
} Switch;
extern const Switch switches[];

#endif
