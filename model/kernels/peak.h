// peak.h -- what this core can do at most, measured now: the yardstick beside every rate.
#ifndef TD_MODEL_KERNELS_PEAK_H
#define TD_MODEL_KERNELS_PEAK_H

#include <stdint.h>

// Multiply-adds of floats in registers, for `seconds`: the best FLOP/s seen, one thread.
double peak_flops(double seconds);

// Bytes per second read from `data` (make it much larger than the caches), one thread.
double peak_read(const float *data, int64_t count, double seconds);

#endif
