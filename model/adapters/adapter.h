// adapter.h -- low-rank adapters (LoRA, Hu et al. 2021) by name: what one changes, in words and
// back.
//
// A linear layer W that is a target computes W x + scale * B (A x), with A [rank][in] and
// B [out][rank]; scale is alpha / rank, or alpha / sqrt(rank) (rsLoRA, Kalajdzievski 2023).
// Matrices that a family keeps as one (gpt2's c_attn, gpt_neox's query_key_value, phi3's qkv_proj)
// are one target.  Embeddings, norms and an untied head can be trained whole beside it (LongLoRA,
// Chen et al. 2023).  The tensors of an adapter are params_make_of's, its arithmetic is in lora.h.
#ifndef TD_MODEL_ADAPTERS_ADAPTER_H
#define TD_MODEL_ADAPTERS_ADAPTER_H

#include "base/text.h"
#include "io/json.h"
#include "model/dims.h"

float adapter_scale(const AdapterPlan *plan);

// Linear layers from a list of names, or from "all-linear", which is all but the head.  A name
// stands for every layer whose path is it or ends with "." and it ("q_proj", "self_attn.q_proj",
// "model.layers.3.self_attn.q_proj"), as in PEFT.  Layers that plan->layers lacks are passed over,
// those without a target are taken out of it.  An empty list: the layers of attention.
// ERR_CONFIG with the place in the file: a name that fits nothing, or an embedding, or different
// layers in different blocks.
Err adapter_targets(const Json *names, const Dims *d, AdapterPlan *plan);

// What is trained whole beside the targets: a list of "embeddings", "norms" and "head".
Err adapter_beside(const Json *words, const Dims *d, AdapterPlan *plan);
// The same from PEFT's modules_to_save: every module whose path ends with one of the names.
// ERR_CONFIG: a linear layer other than the head.
Err adapter_saved(const Json *names, const Dims *d, AdapterPlan *plan);

void adapter_all_layers(const Dims *d, AdapterPlan *plan);
int  adapter_has_layer(const AdapterPlan *plan, int layer);
// Whether the embedding of tokens is trained beside it; whether the head is a target.
int adapter_has_embedding(const Dims *d, const AdapterPlan *plan);
int adapter_has_head(const Dims *d, const AdapterPlan *plan);

// As an object of JSON, with names of the family's table, and back.  ERR_DATA.
void adapter_write(Text *t, const Dims *d, const AdapterPlan *plan);
Err  adapter_read(const Json *object, const Dims *d, AdapterPlan *plan);
// Lists for PEFT: short names of the targets, and of what is trained beside.
void adapter_write_targets(Text *t, const Dims *d, const AdapterPlan *plan);
void adapter_write_saved(Text *t, const Dims *d, const AdapterPlan *plan);
// In a few words, for people: "rank 16, alpha 32, on q_proj, v_proj".
void adapter_words(Text *t, const Dims *d, const AdapterPlan *plan);

#endif
