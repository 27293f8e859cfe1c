#include "model/families.h"

static const DimsKeys llama_keys = {
    "hidden_size",       "intermediate_size",   "max_position_embeddings",
    "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "head_dim",          "rms_norm_eps",        "hidden_act"};
static const DimsKeys gemma_keys = {
    "hidden_size",       "intermediate_size",   "max_position_embeddings",
    "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "head_dim",          "rms_norm_eps",        "hidden_activation"};
static const DimsKeys gptneox_keys = {"hidden_size",
                                      "intermediate_size",
                                      "max_position_embeddings",
                                      "num_hidden_layers",
                                      "num_attention_heads",
                                      NULL,
                                      NULL,
                                      "layer_norm_eps",
                                      "hidden_act"};
static const DimsKeys gpt2_keys = {"n_embd",
                                   "n_inner",
                                   "n_positions",
                                   "n_layer",
                                   "n_head",
                                   NULL,
                                   NULL,
                                   "layer_norm_epsilon",
                                   "activation_function"};

static const MlpName silu[] = {{"silu", MLP_SWIGLU}, {"swish", MLP_SWIGLU}, {NULL, 0}};
static const MlpName gelu_tanh[] = {
    {"gelu_new", MLP_GELU_TANH}, {"gelu_pytorch_tanh", MLP_GELU_TANH}, {NULL, 0}};
// The first Gemma says "gelu" and means the tanh form.
static const MlpName geglu_loose[] = {{"gelu_pytorch_tanh", MLP_GEGLU_TANH},
                                      {"gelu_new", MLP_GEGLU_TANH},
                                      {"gelu", MLP_GEGLU_TANH},
                                      {NULL, 0}};
static const MlpName geglu[] = {
    {"gelu_pytorch_tanh", MLP_GEGLU_TANH}, {"gelu_new", MLP_GEGLU_TANH}, {NULL, 0}};
static const MlpName gelu[] = {{"gelu", MLP_GELU_ERF},
                               {"gelu_new", MLP_GELU_TANH},
                               {"gelu_fast", MLP_GELU_TANH},
                               {"gelu_pytorch_tanh", MLP_GELU_TANH},
                               {NULL, 0}};

#define LLAMA_ROPE                                               \
    {                                                            \
        "rope_theta", "partial_rotary_factor", 1, 10000, NULL, 0 \
    }
const FamilyRow families[FAMILIES] = {
    [FAMILY_LLAMA] = {"llama", "LlamaForCausalLM", &llama_keys, .eps = 1e-6, .rope = LLAMA_ROPE,
                      .mlp = silu, .has_all_groups = 1},
    [FAMILY_GPT2] = {"gpt2", "GPT2LMHeadModel", &gpt2_keys, .norm = NORM_LAYER, .eps = 1e-5,
                     .position = POSITION_LEARNED, .mlp = gelu_tanh, .bias = BIAS_ALL, .is_tied = 1,
                     .inner_times = 4,
                     .also = "\"attn_pdrop\": 0.0, \"embd_pdrop\": 0.0, \"resid_pdrop\": 0.0"},
    [FAMILY_MISTRAL] = {"mistral", "MistralForCausalLM", &llama_keys, .eps = 1e-6,
                        .rope = LLAMA_ROPE, .mlp = silu, .window = WINDOW_EVERYWHERE},
    [FAMILY_QWEN2] = {"qwen2", "Qwen2ForCausalLM", &llama_keys, .eps = 1e-6, .rope = LLAMA_ROPE,
                      .mlp = silu, .bias = BIAS_QKV, .window = WINDOW_SWITCHED},
    [FAMILY_QWEN3] = {"qwen3", "Qwen3ForCausalLM", &llama_keys, .eps = 1e-6, .rope = LLAMA_ROPE,
                      .mlp = silu, .has_qk_norm = 1, .window = WINDOW_SWITCHED, .head_width = 128},
    [FAMILY_GPTNEOX] = {"gpt_neox", "GPTNeoXForCausalLM", &gptneox_keys, .norm = NORM_LAYER,
                        .eps = 1e-5,
                        .rope = {"rotary_emb_base", "rotary_pct", 0.25, 10000, NULL, 0},
                        .may_turn_partly = 1, .mlp = gelu, .bias = BIAS_MLP},
    [FAMILY_PHI3] = {"phi3", "Phi3ForCausalLM", &llama_keys, .eps = 1e-5, .rope = LLAMA_ROPE,
                     .may_turn_partly = 1, .mlp = silu, .window = WINDOW_EVERYWHERE,
                     .has_all_groups = 1,
                     .also = "\"pad_token_id\": null"}, // its standard may lie beyond V
    [FAMILY_GEMMA] = {"gemma", "GemmaForCausalLM", &llama_keys, .eps = 1e-6, .rope = LLAMA_ROPE,
                      .mlp = geglu_loose, .norm_is_offset = 1, .scales_embed = 1, .is_tied = 1,
                      .head_width = 256},
    [FAMILY_GEMMA2] = {"gemma2", "Gemma2ForCausalLM", &gemma_keys, .eps = 1e-6, .rope = LLAMA_ROPE,
                       .mlp = geglu, .norm_is_offset = 1, .has_post_norm = 1, .scales_embed = 1,
                       .query_scalar = 256, .score_cap = {"attn_logit_softcapping", 50},
                       .logit_cap = {"final_logit_softcapping", 30}, .window = WINDOW_BUT_NTH,
                       .nth = 2, .window_width = 4096, .is_tied = 1, .head_width = 256},
    [FAMILY_GEMMA3] = {"gemma3_text", "Gemma3ForCausalLM", &gemma_keys, .eps = 1e-6,
                       .rope = {"rope_theta", "partial_rotary_factor", 1, 1000000,
                                "rope_local_base_freq", 10000},
                       .mlp = geglu, .has_qk_norm = 1, .norm_is_offset = 1, .has_post_norm = 1,
                       .scales_embed = 1, .query_scalar = 256,
                       .logit_cap = {"final_logit_softcapping", 0}, .window = WINDOW_BUT_NTH,
                       .nth = 6, .nth_key = "sliding_window_pattern", .window_width = 4096,
                       .is_tied = 1, .head_width = 256},
};

#define OF(family) (1U << FAMILY_##family)
#define GEMMAS     (OF(GEMMA) | OF(GEMMA2) | OF(GEMMA3))
const Switch switches[] = {
    {"attention_bias", OF(LLAMA) | OF(QWEN3) | GEMMAS, 0, BIAS_QKV | BIAS_OUT, 0, 0},
    {"attention_bias", OF(GPTNEOX), 1, BIAS_QKV | BIAS_OUT, 0, 0},
    {"attention_bias", OF(MISTRAL) | OF(PHI3), 0, 0, 0, 1},
    {"mlp_bias", OF(LLAMA), 0, BIAS_MLP, 0, 0},
    {"mlp_bias", OF(MISTRAL) | OF(QWEN2) | OF(QWEN3) | OF(PHI3) | GEMMAS, 0, 0, 0, 1},
    {"use_bidirectional_attention", GEMMAS, 0, 0, 0, 1},
    {"use_parallel_residual", OF(GPTNEOX), 1, 0, offsetof(Dims, is_parallel), 0},
    {"scale_attn_weights", OF(GPT2), 1, 0, 0, 1},
    {"scale_attn_by_inverse_layer_idx", OF(GPT2), 0, 0, 0, 1},
    {"add_cross_attention", OF(GPT2), 0, 0, 0, 1},
    {NULL, 0, 0, 0, 0, 0},
};
