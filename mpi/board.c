#include "mpi/board.h"

#include <string.h>

struct Board {
    Comm     comm; // borrowed fields of the communicator it was opened on
    MPI_Win  window;
    int64_t *words; // [BOARD_WORDS] on rank 0, nothing on others; owned by the window
};

static void die_of_window_error(MPI_Win *window, int *code, ...)
{
    char text[MPI_MAX_ERROR_STRING];
    int  length = 0;

    (void)window;
    MPI_Error_string(*code, text, &length);
    err_die("MPI", 0, "a call to MPI succeeds", " %.*s", length, text);
}

Board *board_open_all(const Comm *c)
{
    MPI_Aint       bytes = c->rank == 0 ? BOARD_WORDS * (MPI_Aint)sizeof(int64_t) : 0;
    MPI_Errhandler handler;
    Board         *b;

    comm_meet(c, __func__, 0);
    MPI_Alloc_mem((MPI_Aint)sizeof *b, MPI_INFO_NULL, &b);
    b->comm = *c;
    MPI_Win_allocate(bytes, (int)sizeof(int64_t), MPI_INFO_NULL, c->mpi, &b->words, &b->window);
    MPI_Win_create_errhandler(die_of_window_error, &handler);
    MPI_Win_set_errhandler(b->window, handler);
    MPI_Errhandler_free(&handler);

    MPI_Win_lock_all(MPI_MODE_NOCHECK, b->window);
    if (c->rank == 0)
        memset(b->words, 0, (size_t)bytes);
    MPI_Win_sync(b->window);
    MPI_Barrier(c->mpi); // nobody adds before the words are zero
    return b;
}

void board_close_all(Board *b)
{
    comm_meet(&b->comm, __func__, 0);
    MPI_Barrier(b->comm.mpi);
    MPI_Win_unlock_all(b->window);
    MPI_Win_free(&b->window);
    MPI_Free_mem(b);
}

static int64_t change(Board *b, int word, int64_t operand, MPI_Op op)
{
    int64_t before = 0;

    CHECK(0 <= word && word < BOARD_WORDS, "word %d", word);
    MPI_Fetch_and_op(&operand, &before, MPI_INT64_T, 0, word, op, b->window);
    MPI_Win_flush(0, b->window);
    return before;
}

int64_t board_add(Board *b, int word, int64_t more)
{
    return change(b, word, more, MPI_SUM);
}

int64_t board_read(Board *b, int word)
{
    return change(b, word, 0, MPI_NO_OP);
}

static int word_of(int64_t n)
{
    CHECK(n >= 0, "work counter %lld", (long long)n);
    return BOARD_WORK + (int)(n % (BOARD_WORDS - BOARD_WORK));
}

int64_t board_work_next(Board *b, int64_t n)
{
    return change(b, word_of(n), 1, MPI_SUM);
}

void board_work_reset(Board *b, int64_t n)
{
    change(b, word_of(n), 0, MPI_REPLACE);
}

// Looking for a message that never comes makes MPI look at everything else that waits.
void board_progress(Board *b)
{
    int found;

    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, b->comm.mpi, &found, MPI_STATUS_IGNORE);
}
