// loss.h -- held-out loss: how well a version foresees texts that it was not trained on.
#ifndef TD_CAMPAIGN_LOSS_H
#define TD_CAMPAIGN_LOSS_H

#include "campaign/generators.h"

typedef struct Loss {
    double  mean;     // -log p per learned token, in nats, weighted as the recipe weighs it
    int64_t tokens;   // with a weight above 0
    int64_t examples; // that were scored
    int64_t left_out; // kept by the recipe, but empty or longer than the context
    double  seconds;
} Loss;

// Whether a recipe is one for the loss: it draws, changes and emits, and asks nobody.  `path` is
// for the message.  ERR_CONFIG.  Local.
Err loss_check(const Recipe *recipe, const char *path);

// Of the examples that `recipe` makes, which loss_check took, with the
// weights that are in `g`.  The same on every rank, up to rounding of the sum over ranks.
// Collective over the generators.
Err loss_measure_all(Generators *g, const Recipe *recipe, Loss *out);

#endif
