#include "model/adapters/lora.h"

#include "model/adapters/adapter.h"

static LoraGroup group_of(ParamRole role)
{
    switch (role) {
    case PARAM_QKV:
    case PARAM_QKV_REST: return LORA_QKV;
    case PARAM_OUT: return LORA_OUT;
    case PARAM_UP:
    case PARAM_UP_REST: return LORA_UP;
    case PARAM_DOWN: return LORA_DOWN;
    case PARAM_HEAD: return LORA_HEAD;
    default: CHECK(0, "role %d", (int)role);
    }
    return LORA_HEAD;
}

int lora_index(const Dims *d, LoraGroup group, int layer)
{
    return group == LORA_HEAD ? LORA_GROUPS * d->L : LORA_GROUPS * layer + (int)group;
}

static int bits_of(uint64_t bits)
{
    int count = 0;

    for (; bits != 0; bits &= bits - 1)
        count++;
    return count;
}

// Floats per row of the inner products of the adapters before `n` in one layer, or in the head.
static int64_t low_width(const Dims *d, int n)
{
    int64_t width = 0;

    for (int i = 0; i < n; i++)
        width += (int64_t)d->adapter[i].rank * bits_of(d->adapter[i].targets);
    return width;
}

// ---- layout of the network

typedef struct Laying {
    Layout      *layout;
    const Net   *net;
    LoraAdapter *out; // NULL: only add up
    Param        a;   // the last one seen
    int          parts, layer, in_layer;
} Laying;

static void lay_packed(const Laying *y, const Param *a, const Param *b, LoraPart *out)
{
    out->down = take_packed(y->layout, a->rows, a->columns);
    out->up = take_packed(y->layout, b->rows, b->columns);
    if (y->net->use == NET_INFER)
        return;
    out->down_back = take_packed(y->layout, a->columns, a->rows);
    out->up_back = take_packed(y->layout, b->columns, b->rows);
}

static void place_part(const Laying *y, const Param *b, LoraPart *out)
{
    static const ParamRole first[] = {PARAM_QKV, PARAM_OUT, PARAM_UP, PARAM_DOWN, PARAM_HEAD};
    const Dims            *d = &y->net->params.dims;
    const Param           *of = &y->net->params.list[b->base];
    LoraGroup              group = group_of(of->role);
    int64_t                begin = params_at(&y->net->params, first[group], of->layer);

    out->first = (of->offset - begin) / of->columns;
    out->rows = of->rows;
    out->columns = of->columns;
    out->a = y->a.offset;
    out->b = b->offset;
    out->number = y->parts;
    out->low = low_width(d, y->out->params.adapter) + (int64_t)y->in_layer * y->a.rows;
    for (int i = lora_index(d, group, of->layer) + 1; i < LORA_GROUPS * d->L + 2; i++)
        y->out->begin[i] = y->parts + 1; // of all groups that come later, the last to write counts
}

static void lay_part(void *self, const Param *one)
{
    Laying  *y = self;
    LoraPart part = {.first = 0};

    if (one->role == PARAM_LORA_A)
        y->a = *one;
    if (one->role != PARAM_LORA_B)
        return;
    y->in_layer = one->layer == y->layer && y->parts > 0 ? y->in_layer + 1 : 0;
    y->layer = one->layer;
    lay_packed(y, &y->a, one, &part);
    if (y->out != NULL) {
        place_part(y, one, &part);
        y->out->part[y->parts] = part;
    }
    y->parts++;
}

static void lay_adapter(Layout *l, const Net *net, int n, LoraAdapter *out)
{
    const Dims        *d = &net->params.dims;
    const AdapterPlan *plan = &d->adapter[n];
    Laying             y = {.layout = l, .net = net, .out = out};
    LoraAdapter        m = {.params = params_plan_of(d, n),
                            .rank = plan->rank,
                            .scale = adapter_scale(plan),
                            .dropout = (float)plan->dropout,
                            .is_tuned = n == params_tuned(d)};

    if (l->arena != NULL)
        m.params = params_make_of(l->arena, d, n);
    l->bytes += params_need_of(d, n);
    m.flat = take_floats(l, m.params.padded);
    m.part = take(l, (int64_t)d->L * bits_of(plan->targets) + 1, (int64_t)sizeof *m.part);
    m.begin = take(l, LORA_GROUPS * d->L + 2, (int64_t)sizeof *m.begin);
    if (out != NULL)
        *out = m;
    params_visit(d, n, lay_part, &y);
}

void lora_lay(Layout *l, Net *net)
{
    const Dims *d = &net->params.dims;

    if (d->adapters == 0)
        return;
    net->adapter = take(l, d->adapters, (int64_t)sizeof *net->adapter);
    for (int n = 0; n < d->adapters; n++)
        lay_adapter(l, net, n, net->adapter == NULL ? NULL : &net->adapter[n]);
}

// ---- layout of a pass

float *lora_lay_low(Layout *l, const Dims *d, int64_t N)
{
    return d->adapters == 0 ? NULL : take_floats(l, N * low_width(d, d->adapters));
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void lora_lay_acts(Layout *l, const Dims *d, int64_t N, int64_t chunk, NetUse use, ActsLora *out)
{
    int64_t wide = most(most(net_qkv_width(d), net_up_width(d)), d->D);
    int64_t inputs = most(most(d->D, (int64_t)d->H * d->K), d->F), rank = 0;
    int     head = 0;

    *out = (ActsLora){.out = NULL};
    if (d->adapters == 0)
        return;
    for (int n = 0; n < d->adapters; n++) {
        rank = most(rank, d->adapter[n].rank);
        head |= adapter_has_head(d, &d->adapter[n]);
    }
    out->out = take_floats(l, most(N * wide, head ? chunk * d->V : 0));
    if (use == NET_INFER)
        return;
    out->in = take_floats(l, N * inputs);
    out->back = take_floats(l, N * inputs);
    out->dlow = take_floats(l, N * rank);
}
