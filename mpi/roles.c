#include "mpi/roles.h"

typedef struct Shares {
    RolesMode mode;
    int       generators, trainers;
} Shares;

static Err resolve_alternate(int size, Shares *s)
{
    if ((s->generators != 0 && s->generators != size) || (s->trainers != 0 && s->trainers != size))
        FAIL(
            ERR_CONFIG,
            "%d generators and %d trainers were asked for, but when ranks alternate all %d of this "
            "job do both: leave the numbers out, or split the ranks",
            s->generators, s->trainers, size);
    s->generators = s->trainers = size;
    return OK;
}

static Err resolve_split(int size, Shares *s)
{
    int wanted_generators = s->generators, wanted_trainers = s->trainers;

    if (size < 2)
        FAIL(ERR_CONFIG, "a job of one rank cannot be split in generators and trainers: start at "
                         "least 2 ranks, or let it alternate");
    if (s->generators == 0 && s->trainers == 0)
        s->trainers = size / 2;
    if (s->generators == 0)
        s->generators = size - s->trainers;
    if (s->trainers == 0)
        s->trainers = size - s->generators;
    if (s->generators < 1 || s->trainers < 1 || s->generators + s->trainers != size)
        FAIL(ERR_CONFIG,
             "%d generators and %d trainers (0: not said) do not add up to the %d ranks of this "
             "job: change the numbers, or start %d ranks",
             wanted_generators, wanted_trainers, size,
             (wanted_generators > 0 ? wanted_generators : 1) +
                 (wanted_trainers > 0 ? wanted_trainers : 1));
    return OK;
}

// One rank can only alternate, whatever numbers a config for several ranks gives.
static Err resolve(int size, Shares *s)
{
    if (s->generators < 0 || s->trainers < 0)
        FAIL(ERR_CONFIG, "%d generators and %d trainers: numbers of ranks are 0 (not said) or more",
             s->generators, s->trainers);
    if (s->mode == ROLES_AUTO)
        s->mode = size == 1 ? ROLES_ALTERNATE : ROLES_SPLIT;
    if (s->mode == ROLES_ALTERNATE)
        return resolve_alternate(size, s);
    return resolve_split(size, s);
}

Err roles_make_all(const Comm *world, RolesMode mode, int generators, int trainers, Roles *out)
{
    Shares s = {mode, generators, trainers};

    comm_meet(world, __func__,
              (uint64_t)mode | (uint64_t)(uint32_t)generators << 8 | (uint64_t)trainers << 40);
    TRY_ALL(world, resolve(world->size, &s));
    *out = (Roles){.mode = s.mode};
    out->generates = world->rank < s.generators;
    out->trains = world->rank >= world->size - s.trainers;
    comm_split(world, out->generates ? 0 : -1, &out->generators);
    comm_split(world, out->trains ? 0 : -1, &out->trainers);
    return OK;
}

void roles_free(Roles *r)
{
    comm_free(&r->generators);
    comm_free(&r->trainers);
    *r = (Roles){0};
}
