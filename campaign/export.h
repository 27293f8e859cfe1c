// export.h -- examples of a run as files that other programs read.
#ifndef TD_CAMPAIGN_EXPORT_H
#define TD_CAMPAIGN_EXPORT_H

#include "base/arena.h"
#include "base/err.h"

typedef enum ExportForm {
    EXPORT_MESSAGES,     // JSONL: {"id", "messages": [{"role", "content"}]}
    EXPORT_ROWS,         // JSONL: every field, verdict and score of a kept record, "" and null too
    EXPORT_ALPACA,       // one JSON list of {"instruction", "input", "output"}
    EXPORT_WIZARDLM,     // one JSON list of {"instruction", "output"}, inputs below instructions
    EXPORT_SELF_INSTRUCT // a folder with the five JSONL files of Self-Instruct's steps
} ExportForm;

// Kept examples of all iterations of the run directory, those of the seeds (iteration 0) if
// with_seeds.  out: a file, for EXPORT_SELF_INSTRUCT a folder; it must not be there yet.
// *count: examples written; EXPORT_MESSAGES leaves out those for which nothing was emitted.
// ERR_DATA where a record has not the fields that a form needs.
Err export_examples(Arena *arena, const char *run_dir, ExportForm form, int with_seeds,
                    const char *out, int64_t *count);

#endif
