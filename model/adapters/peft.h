// peft.h -- adapters as folders of Hugging Face's PEFT: adapter_config.json,
// adapter_model.safetensors.
#ifndef TD_MODEL_ADAPTERS_PEFT_H
#define TD_MODEL_ADAPTERS_PEFT_H

#include "model/params.h"

typedef struct Peft {
    const char *folder;
    const Json *config;
    const char *base; // base_model_name_or_path as it is written there; NULL: nothing
} Peft;

// Whether it is a folder with an adapter_config.json.
int peft_is(const char *path);
// ERR_CONFIG naming the key: another kind of adapter than LoRA, or a setting that changes what it
// computes and is not supported.  Keys that are not known pass as long as they are off.
Err peft_open(Arena *run, const char *folder, Peft *out);
// What it changes of a base of these sizes.  ERR_CONFIG, ERR_DATA.
Err peft_plan(const Peft *p, const Dims *base, AdapterPlan *out);
// Names, types and shapes of the tensors, as peft_load wants them.
Err peft_check(Arena *scratch, const char *folder, const Params *p, const Params *base);
// Tensors of the table p, which is that of an adapter with the folder's plan, on the weights
// `below` of a network (a head that is adapted stands in the folder once more).  ERR_DATA, naming
// the tensor: one that is missing, left over, of another shape, or other than it is below.
Err peft_load(Arena *scratch, const char *folder, const Params *p, float *flat, const Params *base,
              const float *below);

// Writes such a folder, in f32.  `base`: path of the base, for base_model_name_or_path.
Err peft_write(Arena *scratch, const Params *p, const float *flat, const char *base,
               const char *folder);

#endif
