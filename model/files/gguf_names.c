#include "model/files/gguf_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const GgufFamily FAMILIES[] = {
    {"llama", "llama", .is_permuted = 1, .has_head_width = 1},
    {"llama", "mistral", .is_permuted = 1, .has_head_width = 1},
    {"gpt2", "gpt2", .is_gpt2 = 1},
    {"qwen2", "qwen2", .has_head_width = 1},
    {"qwen3", "qwen3", .has_head_width = 1},
    {"phi3", "phi3", .has_head_width = 1, .share = "partial_rotary_factor"},
    {"gptneox", "gpt_neox", .share = "rotary_pct"},
    {"gemma", "gemma", .has_head_width = 1, .is_tied = 1},
    {"gemma2", "gemma2", .has_head_width = 1, .nth = 2, .wide_layers = 46, .has_caps = 1,
     .is_tied = 1},
    {"gemma3", "gemma3_text", .has_head_width = 1, .nth = 6, .wide_layers = 62,
     .local_theta = 10000, .is_tied = 1},
};
enum { FAMILY_COUNT = sizeof FAMILIES / sizeof FAMILIES[0] };

const GgufFamily *gguf_family_of(const char *architecture)
{
    for (int i = 0; i < FAMILY_COUNT; i++)
        if (strcmp(FAMILIES[i].architecture, architecture) == 0)
            return &FAMILIES[i];
    return NULL;
}

const GgufFamily *gguf_family_by_type(const char *model_type)
{
    for (int i = 0; i < FAMILY_COUNT; i++)
        if (strcmp(FAMILIES[i].type, model_type) == 0)
            return &FAMILIES[i];
    return NULL;
}

static const GgufSize GPT2[] = {
    {"embedding_length", "n_embd", GGUF_SIZE_WHOLE, 0},
    {"feed_forward_length", "n_inner", GGUF_SIZE_WHOLE, 0},
    {"block_count", "n_layer", GGUF_SIZE_WHOLE, 0},
    {"attention.head_count", "n_head", GGUF_SIZE_WHOLE, 0},
    {"context_length", "n_positions", GGUF_SIZE_WHOLE, 0},
    {"attention.layer_norm_epsilon", "layer_norm_epsilon", GGUF_SIZE_REAL, 0},
    {NULL, NULL, 0, 0}};

static const GgufSize LLAMA[] = {
    {"embedding_length", "hidden_size", GGUF_SIZE_WHOLE, 0},
    {"feed_forward_length", "intermediate_size", GGUF_SIZE_WHOLE, 0},
    {"block_count", "num_hidden_layers", GGUF_SIZE_WHOLE, 0},
    {"attention.head_count", "num_attention_heads", GGUF_SIZE_WHOLE, 0},
    {"attention.head_count_kv", "num_key_value_heads", GGUF_SIZE_WHOLE, 1},
    {"context_length", "max_position_embeddings", GGUF_SIZE_WHOLE, 0},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", GGUF_SIZE_REAL, 0},
    {"rope.freq_base", "rope_theta", GGUF_SIZE_REAL, 1},
    {"attn_logit_softcapping", "attn_logit_softcapping", GGUF_SIZE_REAL, 1},
    {"final_logit_softcapping", "final_logit_softcapping", GGUF_SIZE_REAL, 1},
    {NULL, NULL, 0, 0}};

static const GgufSize GPTNEOX[] = {
    {"embedding_length", "hidden_size", GGUF_SIZE_WHOLE, 0},
    {"feed_forward_length", "intermediate_size", GGUF_SIZE_WHOLE, 0},
    {"block_count", "num_hidden_layers", GGUF_SIZE_WHOLE, 0},
    {"attention.head_count", "num_attention_heads", GGUF_SIZE_WHOLE, 0},
    {"context_length", "max_position_embeddings", GGUF_SIZE_WHOLE, 0},
    {"attention.layer_norm_epsilon", "layer_norm_eps", GGUF_SIZE_REAL, 0},
    {"rope.freq_base", "rotary_emb_base", GGUF_SIZE_REAL, 1},
    {"use_parallel_residual", "use_parallel_residual", GGUF_SIZE_FLAG, 1},
    {NULL, NULL, 0, 0}};

const GgufSize *gguf_sizes(const GgufFamily *f)
{
    if (strcmp(f->architecture, "gptneox") == 0)
        return GPTNEOX;
    return f->is_gpt2 ? GPT2 : LLAMA;
}

// ---- tensors

static const char *const OUTSIDE[][2] = {{"model.embed_tokens", "token_embd"},
                                         {"model.norm", "output_norm"},
                                         {"lm_head", "output"},
                                         {"transformer.wte", "token_embd"},
                                         {"transformer.wpe", "position_embd"},
                                         {"transformer.ln_f", "output_norm"},
                                         {"gpt_neox.embed_in", "token_embd"},
                                         {"gpt_neox.final_layer_norm", "output_norm"},
                                         {"embed_out", "output"}};
static const char *const INSIDE[][2] = {{"input_layernorm", "attn_norm"},
                                        {"self_attn.q_proj", "attn_q"},
                                        {"self_attn.k_proj", "attn_k"},
                                        {"self_attn.v_proj", "attn_v"},
                                        {"self_attn.o_proj", "attn_output"},
                                        {"self_attn.q_norm", "attn_q_norm"},
                                        {"self_attn.k_norm", "attn_k_norm"},
                                        {"post_attention_layernorm", "ffn_norm"},
                                        {"pre_feedforward_layernorm", "ffn_norm"},
                                        {"post_feedforward_layernorm", "post_ffw_norm"},
                                        {"mlp.gate_proj", "ffn_gate"},
                                        {"mlp.up_proj", "ffn_up"},
                                        {"mlp.down_proj", "ffn_down"},
                                        {"ln_1", "attn_norm"},
                                        {"attn.c_attn", "attn_qkv"},
                                        {"attn.c_proj", "attn_output"},
                                        {"ln_2", "ffn_norm"},
                                        {"mlp.c_fc", "ffn_up"},
                                        {"mlp.c_proj", "ffn_down"},
                                        {"self_attn.qkv_proj", "attn_qkv"},
                                        {"mlp.gate_up_proj", "ffn_up"},
                                        {"attention.query_key_value", "attn_qkv"},
                                        {"attention.dense", "attn_output"},
                                        {"mlp.dense_h_to_4h", "ffn_up"},
                                        {"mlp.dense_4h_to_h", "ffn_down"}};

static const char *stem_of(const char *const (*table)[2], size_t count, const char *name,
                           size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(table[i][0]) == length && strncmp(table[i][0], name, length) == 0)
            return table[i][1];
    return NULL;
}

int gguf_name_of(const Param *one, char out[GGUF_NAME_ROOM])
{
    static const char *const before[] = {"model.layers.", "transformer.h.", "gpt_neox.layers."};
    const char              *name = one->name, *dot = strrchr(name, '.'), *stem;
    char                    *end;

    if (dot == NULL)
        return 0;
    for (int i = 0; i < 3; i++) {
        size_t length = strlen(before[i]);
        long   layer;

        if (strncmp(name, before[i], length) != 0)
            continue;
        layer = strtol(name + length, &end, 10);
        if (*end != '.' || end >= dot)
            return 0;
        stem = stem_of(INSIDE, sizeof INSIDE / sizeof INSIDE[0], end + 1, (size_t)(dot - end - 1));
        if (one->role == PARAM_POST1) // goes by the name that others give their second norm
            stem = "post_attention_norm";
        return stem != NULL && snprintf(out, GGUF_NAME_ROOM, "blk.%ld.%s%s", layer, stem, dot) > 0;
    }
    stem = stem_of(OUTSIDE, sizeof OUTSIDE / sizeof OUTSIDE[0], name, (size_t)(dot - name));
    return stem != NULL && snprintf(out, GGUF_NAME_ROOM, "%s%s", stem, dot) > 0;
}

float gguf_offset(const Params *p, const Param *one)
{
    switch (one->role) {
    case PARAM_NORM1:
    case PARAM_POST1:
    case PARAM_NORM2:
    case PARAM_POST2:
    case PARAM_NORMF:
    case PARAM_Q_NORM:
    case PARAM_K_NORM: return p->dims.norm_is_offset ? 1 : 0;
    default: return 0;
    }
}

double gguf_query_scalar(const GgufFamily *f, int64_t L, int64_t D, int64_t H, int64_t K)
{
    return (double)(L == f->wide_layers ? D / H : K);
}

int gguf_is_permuted(const GgufFamily *f, const Param *one)
{
    return f->is_permuted &&
           (strstr(one->name, ".q_proj.") != NULL || strstr(one->name, ".k_proj.") != NULL);
}

// Row 2 i + half of a head is row half * width / 2 + i of ours.
void gguf_unpermute(const float *from, float *to, int64_t heads, int64_t width, int64_t columns)
{
    for (int64_t row = 0; row < heads * width; row++) {
        int64_t in = row % width, ours = row - in + in % 2 * (width / 2) + in / 2;

        memcpy(to + ours * columns, from + row * columns, (size_t)columns * sizeof *to);
    }
}

void gguf_permute(const float *from, float *to, int64_t heads, int64_t width, int64_t columns)
{
    for (int64_t row = 0; row < heads * width; row++) {
        int64_t in = row % width, ours = row - in + in % 2 * (width / 2) + in / 2;

        memcpy(to + row * columns, from + ours * columns, (size_t)columns * sizeof *to);
    }
}
