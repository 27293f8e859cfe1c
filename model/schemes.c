#include "model/schemes.h"

// clang-format off
static const Row llama_before[] = {
    {PARAM_EMBED, "model.embed_tokens.weight", SIZE_V, SIZE_D, START_WIDE, ALWAYS, 0}, {0}};
static const Row llama_layer[] = {
    {PARAM_NORM1,         "input_layernorm.weight",          SIZE_D,  NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_QKV,           "self_attn.q_proj.weight",         SIZE_HK, SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_QKV_REST,      "self_attn.k_proj.weight",         SIZE_GK, SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_QKV_REST,      "self_attn.v_proj.weight",         SIZE_GK, SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_QKV_BIAS,      "self_attn.q_proj.bias",           SIZE_HK, NONE,    START_ZEROS, WHEN_BIAS_QKV, 0},
    {PARAM_QKV_BIAS_REST, "self_attn.k_proj.bias",           SIZE_GK, NONE,    START_ZEROS, WHEN_BIAS_QKV, 0},
    {PARAM_QKV_BIAS_REST, "self_attn.v_proj.bias",           SIZE_GK, NONE,    START_ZEROS, WHEN_BIAS_QKV, 0},
    {PARAM_Q_NORM,        "self_attn.q_norm.weight",         SIZE_K,  NONE,    START_ONES,  WHEN_QK_NORM, 0},
    {PARAM_K_NORM,        "self_attn.k_norm.weight",         SIZE_K,  NONE,    START_ONES,  WHEN_QK_NORM, 0},
    {PARAM_OUT,           "self_attn.o_proj.weight",         SIZE_D,  SIZE_HK, START_INTO,  ALWAYS, 0},
    {PARAM_OUT_BIAS,      "self_attn.o_proj.bias",           SIZE_D,  NONE,    START_ZEROS, WHEN_BIAS_OUT, 0},
    {PARAM_NORM2,         "post_attention_layernorm.weight", SIZE_D,  NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_UP,            "mlp.gate_proj.weight",            SIZE_F,  SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_UP_REST,       "mlp.up_proj.weight",              SIZE_F,  SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_UP_BIAS,       "mlp.gate_proj.bias",              SIZE_F,  NONE,    START_ZEROS, WHEN_BIAS_MLP, 0},
    {PARAM_UP_BIAS_REST,  "mlp.up_proj.bias",                SIZE_F,  NONE,    START_ZEROS, WHEN_BIAS_MLP, 0},
    {PARAM_DOWN,          "mlp.down_proj.weight",            SIZE_D,  SIZE_F,  START_INTO,  ALWAYS, 0},
    {PARAM_DOWN_BIAS,     "mlp.down_proj.bias",              SIZE_D,  NONE,    START_ZEROS, WHEN_BIAS_MLP, 0},
    {0}};
static const Row llama_after[] = {
    {PARAM_NORMF, "model.norm.weight", SIZE_D, NONE,   START_ONES, ALWAYS, 0},
    {PARAM_HEAD,  "lm_head.weight",    SIZE_V, SIZE_D, START_WIDE, WHEN_UNTIED, 0}, {0}};

// As llama, but queries, keys and values in one matrix, gate and up in another.
static const Row phi3_layer[] = {
    {PARAM_NORM1, "input_layernorm.weight",          SIZE_D,   NONE,    START_ONES, ALWAYS, 0},
    {PARAM_QKV,   "self_attn.qkv_proj.weight",       SIZE_QKV, SIZE_D,  START_WIDE, ALWAYS, 0},
    {PARAM_OUT,   "self_attn.o_proj.weight",         SIZE_D,   SIZE_HK, START_INTO, ALWAYS, 0},
    {PARAM_NORM2, "post_attention_layernorm.weight", SIZE_D,   NONE,    START_ONES, ALWAYS, 0},
    {PARAM_UP,    "mlp.gate_up_proj.weight",         SIZE_2F,  SIZE_D,  START_WIDE, ALWAYS, 0},
    {PARAM_DOWN,  "mlp.down_proj.weight",            SIZE_D,   SIZE_F,  START_INTO, ALWAYS, 0},
    {0}};

// As llama, but with norms behind attention and MLP too; the name of llama's second norm is that of
// another one here.
static const Row gemma2_layer[] = {
    {PARAM_NORM1,         "input_layernorm.weight",            SIZE_D,  NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_QKV,           "self_attn.q_proj.weight",           SIZE_HK, SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_QKV_REST,      "self_attn.k_proj.weight",           SIZE_GK, SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_QKV_REST,      "self_attn.v_proj.weight",           SIZE_GK, SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_QKV_BIAS,      "self_attn.q_proj.bias",             SIZE_HK, NONE,    START_ZEROS, WHEN_BIAS_QKV, 0},
    {PARAM_QKV_BIAS_REST, "self_attn.k_proj.bias",             SIZE_GK, NONE,    START_ZEROS, WHEN_BIAS_QKV, 0},
    {PARAM_QKV_BIAS_REST, "self_attn.v_proj.bias",             SIZE_GK, NONE,    START_ZEROS, WHEN_BIAS_QKV, 0},
    {PARAM_Q_NORM,        "self_attn.q_norm.weight",           SIZE_K,  NONE,    START_ONES,  WHEN_QK_NORM, 0},
    {PARAM_K_NORM,        "self_attn.k_norm.weight",           SIZE_K,  NONE,    START_ONES,  WHEN_QK_NORM, 0},
    {PARAM_OUT,           "self_attn.o_proj.weight",           SIZE_D,  SIZE_HK, START_INTO,  ALWAYS, 0},
    {PARAM_OUT_BIAS,      "self_attn.o_proj.bias",             SIZE_D,  NONE,    START_ZEROS, WHEN_BIAS_OUT, 0},
    {PARAM_POST1,         "post_attention_layernorm.weight",   SIZE_D,  NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_NORM2,         "pre_feedforward_layernorm.weight",  SIZE_D,  NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_UP,            "mlp.gate_proj.weight",              SIZE_F,  SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_UP_REST,       "mlp.up_proj.weight",                SIZE_F,  SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_DOWN,          "mlp.down_proj.weight",              SIZE_D,  SIZE_F,  START_INTO,  ALWAYS, 0},
    {PARAM_POST2,         "post_feedforward_layernorm.weight", SIZE_D,  NONE,    START_ONES,  ALWAYS, 0},
    {0}};

static const Row gpt2_before[] = {
    {PARAM_EMBED,    "transformer.wte.weight", SIZE_V, SIZE_D, START_WIDE, ALWAYS, 0},
    {PARAM_POSITION, "transformer.wpe.weight", SIZE_T, SIZE_D, START_WIDE, ALWAYS, 0}, {0}};
static const Row gpt2_layer[] = {
    {PARAM_NORM1,      "ln_1.weight",        SIZE_D,   NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_NORM1_BIAS, "ln_1.bias",          SIZE_D,   NONE,    START_ZEROS, ALWAYS, 0},
    {PARAM_QKV,        "attn.c_attn.weight", SIZE_QKV, SIZE_D,  START_WIDE,  ALWAYS, FILE_TRANSPOSED},
    {PARAM_QKV_BIAS,   "attn.c_attn.bias",   SIZE_QKV, NONE,    START_ZEROS, WHEN_BIAS_QKV, 0},
    {PARAM_OUT,        "attn.c_proj.weight", SIZE_D,   SIZE_HK, START_INTO,  ALWAYS, FILE_TRANSPOSED},
    {PARAM_OUT_BIAS,   "attn.c_proj.bias",   SIZE_D,   NONE,    START_ZEROS, WHEN_BIAS_OUT, 0},
    {PARAM_NORM2,      "ln_2.weight",        SIZE_D,   NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_NORM2_BIAS, "ln_2.bias",          SIZE_D,   NONE,    START_ZEROS, ALWAYS, 0},
    {PARAM_UP,         "mlp.c_fc.weight",    SIZE_F,   SIZE_D,  START_WIDE,  ALWAYS, FILE_TRANSPOSED},
    {PARAM_UP_BIAS,    "mlp.c_fc.bias",      SIZE_F,   NONE,    START_ZEROS, WHEN_BIAS_MLP, 0},
    {PARAM_DOWN,       "mlp.c_proj.weight",  SIZE_D,   SIZE_F,  START_INTO,  ALWAYS, FILE_TRANSPOSED},
    {PARAM_DOWN_BIAS,  "mlp.c_proj.bias",    SIZE_D,   NONE,    START_ZEROS, WHEN_BIAS_MLP, 0},
    {0}};
static const Row gpt2_after[] = {
    {PARAM_NORMF,      "transformer.ln_f.weight", SIZE_D, NONE,   START_ONES,  ALWAYS, 0},
    {PARAM_NORMF_BIAS, "transformer.ln_f.bias",   SIZE_D, NONE,   START_ZEROS, ALWAYS, 0},
    {PARAM_HEAD,       "lm_head.weight",          SIZE_V, SIZE_D, START_WIDE,  WHEN_UNTIED, 0}, {0}};

static const Row gptneox_before[] = {
    {PARAM_EMBED, "gpt_neox.embed_in.weight", SIZE_V, SIZE_D, START_WIDE, ALWAYS, 0}, {0}};
static const Row gptneox_layer[] = {
    {PARAM_NORM1,      "input_layernorm.weight",           SIZE_D,   NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_NORM1_BIAS, "input_layernorm.bias",             SIZE_D,   NONE,    START_ZEROS, ALWAYS, 0},
    {PARAM_QKV,        "attention.query_key_value.weight", SIZE_QKV, SIZE_D,  START_WIDE,  ALWAYS, FILE_BY_HEAD},
    {PARAM_QKV_BIAS,   "attention.query_key_value.bias",   SIZE_QKV, NONE,    START_ZEROS, WHEN_BIAS_QKV, FILE_BY_HEAD},
    {PARAM_OUT,        "attention.dense.weight",           SIZE_D,   SIZE_HK, START_INTO,  ALWAYS, 0},
    {PARAM_OUT_BIAS,   "attention.dense.bias",             SIZE_D,   NONE,    START_ZEROS, WHEN_BIAS_OUT, 0},
    {PARAM_NORM2,      "post_attention_layernorm.weight",  SIZE_D,   NONE,    START_ONES,  ALWAYS, 0},
    {PARAM_NORM2_BIAS, "post_attention_layernorm.bias",    SIZE_D,   NONE,    START_ZEROS, ALWAYS, 0},
    {PARAM_UP,         "mlp.dense_h_to_4h.weight",         SIZE_F,   SIZE_D,  START_WIDE,  ALWAYS, 0},
    {PARAM_UP_BIAS,    "mlp.dense_h_to_4h.bias",           SIZE_F,   NONE,    START_ZEROS, WHEN_BIAS_MLP, 0},
    {PARAM_DOWN,       "mlp.dense_4h_to_h.weight",         SIZE_D,   SIZE_F,  START_INTO,  ALWAYS, 0},
    {PARAM_DOWN_BIAS,  "mlp.dense_4h_to_h.bias",           SIZE_D,   NONE,    START_ZEROS, WHEN_BIAS_MLP, 0},
    {0}};
static const Row gptneox_after[] = {
    {PARAM_NORMF,      "gpt_neox.final_layer_norm.weight", SIZE_D, NONE,   START_ONES,  ALWAYS, 0},
    {PARAM_NORMF_BIAS, "gpt_neox.final_layer_norm.bias",   SIZE_D, NONE,   START_ZEROS, ALWAYS, 0},
    {PARAM_HEAD,       "embed_out.weight",                 SIZE_V, SIZE_D, START_WIDE,  WHEN_UNTIED, 0}, {0}};
// clang-format on

static const Scheme llama_scheme = {"model.", "layers", llama_before, llama_layer, llama_after};
static const Scheme gpt2_scheme = {"transformer.", "h", gpt2_before, gpt2_layer, gpt2_after};
static const Scheme gptneox_scheme = {"gpt_neox.", "layers", gptneox_before, gptneox_layer,
                                      gptneox_after};
static const Scheme gemma2_scheme = {"model.", "layers", llama_before, gemma2_layer, llama_after};
static const Scheme phi3_scheme = {"model.", "layers", llama_before, phi3_layer, llama_after};

const Scheme *const schemes[] = {
    [FAMILY_LLAMA] = &llama_scheme,   [FAMILY_GPT2] = &gpt2_scheme,
    [FAMILY_MISTRAL] = &llama_scheme, [FAMILY_QWEN2] = &llama_scheme,
    [FAMILY_QWEN3] = &llama_scheme,   [FAMILY_GPTNEOX] = &gptneox_scheme,
    [FAMILY_PHI3] = &phi3_scheme,     [FAMILY_GEMMA] = &llama_scheme,
    [FAMILY_GEMMA2] = &gemma2_scheme, [FAMILY_GEMMA3] = &gemma2_scheme,
};
