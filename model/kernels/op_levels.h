// op_levels.h -- the kernels of ops.h, built once per instruction level.
//
// On x86-64 every op_*.c is compiled three times, with OP_LEVEL set to the level's name, which is
// appended to the names it defines: op_rms_avx2.  op_level.c gives each plain name to the best of
// them that this processor runs.  Elsewhere the files are compiled once, under the plain names.
// All levels give the same bits: lanes are fixed (model/kernels/vec.h) and nothing is fused.
#ifndef TD_MODEL_KERNELS_OP_LEVELS_H
#define TD_MODEL_KERNELS_OP_LEVELS_H

// clang-format off
#define OP_LIST(X)                                                      \
    X(op_embed) X(op_embed_back) X(op_rms) X(op_rms_back)               \
    X(op_layernorm) X(op_layernorm_back)                                \
    X(op_bias) X(op_bias_back) X(op_add)                                \
    X(op_rope_table) X(op_rope) X(op_rope_back)                         \
    X(op_swiglu) X(op_swiglu_back) X(op_geglu) X(op_geglu_back)         \
    X(op_gelu) X(op_gelu_back) X(op_gelu_erf) X(op_gelu_erf_back)       \
    X(op_attention_stride) X(op_attention_spare) X(op_attention_row)    \
    X(op_attention) X(op_attention_back)                                \
    X(op_logsumexp) X(op_loss) X(op_cap)
// clang-format on

#ifdef OP_LEVEL
#define OP_JOINED(name, level) name##_##level
#define OP_JOIN(name, level)   OP_JOINED(name, level)
#define op_embed               OP_JOIN(op_embed, OP_LEVEL)
#define op_embed_back          OP_JOIN(op_embed_back, OP_LEVEL)
#define op_rms                 OP_JOIN(op_rms, OP_LEVEL)
#define op_rms_back            OP_JOIN(op_rms_back, OP_LEVEL)
#define op_layernorm           OP_JOIN(op_layernorm, OP_LEVEL)
#define op_layernorm_back      OP_JOIN(op_layernorm_back, OP_LEVEL)
#define op_bias                OP_JOIN(op_bias, OP_LEVEL)
#define op_bias_back           OP_JOIN(op_bias_back, OP_LEVEL)
#define op_add                 OP_JOIN(op_add, OP_LEVEL)
#define op_rope_table          OP_JOIN(op_rope_table, OP_LEVEL)
#define op_rope                OP_JOIN(op_rope, OP_LEVEL)
#define op_rope_back           OP_JOIN(op_rope_back, OP_LEVEL)
#define op_swiglu              OP_JOIN(op_swiglu, OP_LEVEL)
#define op_swiglu_back         OP_JOIN(op_swiglu_back, OP_LEVEL)
#define op_geglu               OP_JOIN(op_geglu, OP_LEVEL)
#define op_geglu_back          OP_JOIN(op_geglu_back, OP_LEVEL)
#define op_gelu                OP_JOIN(op_gelu, OP_LEVEL)
#define op_gelu_back           OP_JOIN(op_gelu_back, OP_LEVEL)
#define op_gelu_erf            OP_JOIN(op_gelu_erf, OP_LEVEL)
#define op_gelu_erf_back       OP_JOIN(op_gelu_erf_back, OP_LEVEL)
#define op_attention_stride    OP_JOIN(op_attention_stride, OP_LEVEL)
#define op_attention_spare     OP_JOIN(op_attention_spare, OP_LEVEL)
#define op_attention_row       OP_JOIN(op_attention_row, OP_LEVEL)
#define op_attention           OP_JOIN(op_attention, OP_LEVEL)
#define op_attention_back      OP_JOIN(op_attention_back, OP_LEVEL)
#define op_logsumexp           OP_JOIN(op_logsumexp, OP_LEVEL)
#define op_loss                OP_JOIN(op_loss, OP_LEVEL)
#define op_cap                 OP_JOIN(op_cap, OP_LEVEL)
#endif

#endif
