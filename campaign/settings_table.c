#include "campaign/settings.h"

#include <stddef.h>

#define AT(type, field) offsetof(type, field)
#define END                                               \
    {                                                     \
        NULL, CONFIG_INT, 0, NULL, 0, 0, NULL, NULL, NULL \
    }

// clang-format off
static const ConfigField RANKS_TABLE[] = {
    {"mode", CONFIG_ENUM, AT(RankSettings, mode), "auto", 0, 0, "auto|split|alternate", NULL,
     "auto: one rank alternates, more are split in halves"},
    {"generators", CONFIG_INT, AT(RankSettings, generators), "0", 0, 1e6, NULL, NULL,
     "ranks that generate in split mode; 0: what the trainers leave"},
    {"trainers", CONFIG_INT, AT(RankSettings, trainers), "0", 0, 1e6, NULL, NULL,
     "ranks that train in split mode; 0: what the generators leave"},
    {"threads", CONFIG_INT, AT(RankSettings, threads), "0", 0, 1024, NULL, NULL,
     "threads of each rank; 0: OMP_NUM_THREADS, else the cores shared out"},
    END};

static const ConfigField GENERATE_TABLE[] = {
    {"slots", CONFIG_INT, AT(GenerateSettings, slots), "64", 1, 65536, NULL, NULL,
     "sequences in flight per rank"},
    {"block", CONFIG_INT, AT(GenerateSettings, block), "200", 1, 1e9, NULL, NULL,
     "requests that are handed out, and kept in one shard, together"},
    END};

static const ConfigField TRAIN_TABLE[] = {
    {"micro_batches", CONFIG_INT, AT(TrainSettings, micro_batches), "4", 1, 65536, NULL, NULL,
     "leaves of the sum over a step, a power of two; up to so many ranks give the same bits"},
    {"micro_tokens", CONFIG_INT, AT(TrainSettings, micro_tokens), "0", 0, 1e9, NULL, NULL,
     "room of a micro-batch in tokens; 0: enough for a batch of the longest examples"},
    {"reduce", CONFIG_ENUM, AT(TrainSettings, reduce), "tree", 0, 0, "tree|allreduce", NULL,
     "tree: the same bits for 1, 2, 4, ... ranks; allreduce: MPI's own sum"},
    {"batches", CONFIG_YESNO, AT(TrainSettings, batches), "false", 0, 0, NULL, NULL,
     "write the tokens and weights of every step to batches.jsonl, for other programs"},
    END};

static const ConfigField LORA_TABLE[] = {
    {"rank", CONFIG_INT, AT(LoraSettings, rank), "0", 0, 65536, NULL, NULL,
     "rank of the adapter that is trained on top of \"model\", a path; 0: the model itself is trained"},
    {"alpha", CONFIG_FLOAT, AT(LoraSettings, alpha), "0", 0, 1e9, NULL, NULL,
     "its products count alpha / rank times; 0: 2 * rank"},
    {"dropout", CONFIG_FLOAT, AT(LoraSettings, dropout), "0", 0, 0.999, NULL, NULL,
     "share of its inputs that are left out in training"},
    {"rslora", CONFIG_YESNO, AT(LoraSettings, rslora), "false", 0, 0, NULL, NULL,
     "alpha / sqrt(rank) in the place of alpha / rank"},
    {"targets", CONFIG_JSON, AT(LoraSettings, targets), "[]", 0, 0, NULL, NULL,
     "linear layers that get it: a list of names, or \"all-linear\"; []: those of attention"},
    {"beside", CONFIG_JSON, AT(LoraSettings, beside), "[]", 0, 0, NULL, NULL,
     "what is trained whole beside it: a list of \"embeddings\", \"norms\", \"head\""},
    {"adapters", CONFIG_JSON, AT(LoraSettings, adapters), "[]", 0, 0, NULL, NULL,
     "adapters below it, which stay as they are: a list of folders of PEFT or weight files"},
    END};

static const ConfigField EVALUATE_TABLE[] = {
    {"recipe", CONFIG_TEXT, AT(EvaluateSettings, recipe), "", 0, 0, NULL, NULL,
     "recipe over held-out problems; what it keeps counts as right; empty: no evaluation"},
    {"stop_accuracy", CONFIG_FLOAT, AT(EvaluateSettings, stop_accuracy), "0", 0, 1, NULL, NULL,
     "end the campaign once the accuracy is at least this; 0: go through all iterations"},
    END};

static const ConfigField CHECKPOINT_TABLE[] = {
    {"every_steps", CONFIG_INT, AT(CheckpointSettings, every_steps), "100", 1, 1e12, NULL, NULL,
     "optimizer steps between training states; at most so many are repeated after a kill"},
    {"keep", CONFIG_INT, AT(CheckpointSettings, keep), "2", 1, 1e6, NULL, NULL,
     "newest training states that are kept"},
    {"wait_s", CONFIG_FLOAT, AT(CheckpointSettings, wait_s), "3600", 1, 1e9, NULL, NULL,
     "longest time to wait for a file of the other role's job, in seconds"},
    END};

static const ConfigField PHASE_TABLE[] = {
    {"recipe", CONFIG_TEXT, AT(PhaseSettings, recipe), "", 0, 0, NULL, NULL,
     "recipe file that makes the examples, relative to this file; empty: no new examples"},
    {"count", CONFIG_INT, AT(PhaseSettings, count), "0", 0, 1e9, NULL, NULL,
     "requests per round, in the place of the recipe's; 0: as the recipe says"},
    {"until", CONFIG_INT, AT(PhaseSettings, until), "0", 0, 1e9, NULL, NULL,
     "records in the pool that end the rounds, in the place of the recipe's; 0: as it says"},
    {"rounds", CONFIG_INT, AT(PhaseSettings, rounds), "0", 0, 1e6, NULL, NULL,
     "rounds at most, in the place of the recipe's; 0: as it says"},
    {"steps", CONFIG_INT, AT(PhaseSettings, steps), "100", 0, 1e12, NULL, NULL,
     "optimizer steps of an iteration; 0: none, or as many as the epochs take"},
    {"epochs", CONFIG_FLOAT, AT(PhaseSettings, epochs), "0", 0, 1e6, NULL, NULL,
     "passes over the examples, such as 3 or 0.5, in the place of steps; wants \"draw\": \"passes\"; 0: by steps"},
    {"growth", CONFIG_FLOAT, AT(PhaseSettings, growth), "1", 0.1, 10, NULL, NULL,
     "iteration i takes steps * growth^(i-1) steps, or so many epochs"},
    {"steps_max", CONFIG_INT, AT(PhaseSettings, steps_max), "1000000000", 1, 1e12, NULL, NULL,
     "and never more than this"},
    {"batch", CONFIG_INT, AT(PhaseSettings, batch), "64", 1, 1e7, NULL, NULL,
     "examples per step, over all ranks"},
    {"start", CONFIG_ENUM, AT(PhaseSettings, start), "last", 0, 0, "last|base", NULL,
     "weights to begin an iteration with: those before, or the base's"},
    {"schedule", CONFIG_TABLE, AT(PhaseSettings, schedule), "", 0, 0, NULL, SCHED_TABLE,
     "learning rate over the steps of an iteration"},
    {"optimizer", CONFIG_TABLE, AT(PhaseSettings, optimizer), "", 0, 0, NULL, OPTIM_TABLE,
     "AdamW; its moments are fresh in every iteration"},
    {"mixture", CONFIG_JSON, AT(PhaseSettings, mixture), "[]", 0, 0, NULL, NULL,
     "what a batch is drawn from: a list of {from: seeds|kept, share, balance, sets, distinct, source, draw}"},
    END};

const ConfigField SETTINGS_TABLE[] = {
    {"version", CONFIG_INT, AT(Settings, version), NULL, 1, 1e6, NULL, NULL,
     "version of the config format: 1"},
    {"about", CONFIG_TEXT, AT(Settings, about), "", 0, 0, NULL, NULL, "one sentence for people"},
    {"out", CONFIG_TEXT, AT(Settings, out), NULL, 0, 0, NULL, NULL,
     "run directory, relative to the working directory"},
    {"seed", CONFIG_INT, AT(Settings, seed), "1", 0, 9007199254740991.0, NULL, NULL,
     "key of all random numbers"},
    {"iterations", CONFIG_INT, AT(Settings, iterations), "1", 0, 1e6, NULL, NULL,
     "turns of generate, train, evaluate after the base"},
    {"overlap", CONFIG_INT, AT(Settings, overlap), "0", 0, 1, NULL, NULL,
     "0: iteration i is generated with the weights of i-1; 1: of i-2, while i-1 trains"},
    {"products", CONFIG_ENUM, AT(Settings, products), "exact", 0, 0, "exact|openblas|onednn", NULL,
     "matrix products: exact has the same bits for any batch, threads and ranks; the libraries do not"},
    {"teacher", CONFIG_ENUM, AT(Settings, teacher), "local", 0, 0, "local|scripted|endpoint", NULL,
     "who answers the prompts of loop.recipe: the model that is trained, a script, or an HTTP endpoint"},
    {"refresh", CONFIG_YESNO, AT(Settings, refresh), "true", 0, 0, NULL, NULL,
     "the generator takes over the newest weights in every iteration; false: always those of version 0"},
    {"scripted", CONFIG_JSON, AT(Settings, scripted), "", 0, 0, NULL, NULL,
     "the scripted teacher, {\"seed\": 1, \"p_length\": 0.1, ...}: docs/scripted-teacher.md"},
    {"endpoint", CONFIG_JSON, AT(Settings, endpoint), "", 0, 0, NULL, NULL,
     "the endpoint, {\"url\": \"http://host:port/v1\", \"model\": name, ...}: docs/running.md"},
    {"ranks", CONFIG_TABLE, AT(Settings, ranks), "", 0, 0, NULL, RANKS_TABLE, "who does what"},
    {"model", CONFIG_JSON, AT(Settings, model), NULL, 0, 0, NULL, NULL,
     "shape as in a Hugging Face config.json, or the path of a folder or weight file to start from"},
    {"tokenizer", CONFIG_JSON, AT(Settings, tokenizer), "", 0, 0, NULL, NULL,
     "may be left out where the model brings one; {\"kind\": \"character\", \"alphabet\": ...} or {\"kind\": \"byte\"}"},
    {"chat_template", CONFIG_TEXT, AT(Settings, chat_file), "", 0, 0, NULL, NULL,
     "Jinja file, relative to this file, that writes conversations; empty: that of the model"},
    {"problems", CONFIG_JSON, AT(Settings, problems), NULL, 0, 0, NULL, NULL,
     "source of problems or seeds, {\"kind\": \"addition\"|\"chains\"|\"records\", ...}"},
    {"base", CONFIG_TABLE, AT(Settings, base), "", 0, 0, NULL, PHASE_TABLE,
     "iteration 0: training on the seeds"},
    {"loop", CONFIG_TABLE, AT(Settings, loop), "", 0, 0, NULL, PHASE_TABLE,
     "iterations 1, 2, ..."},
    {"generate", CONFIG_TABLE, AT(Settings, generate), "", 0, 0, NULL, GENERATE_TABLE,
     "how generator ranks work"},
    {"train", CONFIG_TABLE, AT(Settings, train), "", 0, 0, NULL, TRAIN_TABLE,
     "how trainer ranks work"},
    {"lora", CONFIG_TABLE, AT(Settings, lora), "", 0, 0, NULL, LORA_TABLE,
     "train a low-rank adapter in the place of the model"},
    {"evaluate", CONFIG_TABLE, AT(Settings, evaluate), "", 0, 0, NULL, EVALUATE_TABLE,
     "after every iteration"},
    {"checkpoint", CONFIG_TABLE, AT(Settings, checkpoint), "", 0, 0, NULL, CHECKPOINT_TABLE,
     "what is kept for going on"},
    {"watchdog", CONFIG_FLOAT, AT(Settings, watchdog_scale), "1", 0, 1e6, NULL, NULL,
     "factor on the time-outs of sections; 0: no watchdog"},
    END};
// clang-format on
