td_test(mpi/test_comm LABELS mpi)
td_test(mpi/test_coll LABELS mpi)
td_test(mpi/test_reduce LABELS mpi)
td_test(mpi/test_roles LABELS mpi)
td_test(mpi/test_board LABELS mpi)
td_test(mpi/test_stop RANKS 1 2 LABELS mpi)
td_test(mpi/test_watchdog RANKS 1 2 LABELS mpi)
td_test(mpi/die_hang RANKS 1 3 LABELS mpi SAYS "watchdog: no progress in .waiting for nobody. for")
td_test(mpi/die_meet RANKS 2 3 LABELS mpi SAYS "ranks met in coll_sum_f32_all with others")
td_test(mpi/stop_together RANKS 1 3 LABELS mpi
    SAYS "tandem: a file could not be read or written: shard 00[02].h5 is missing( .rank 2.)?\n")
td_test(mpi/stop_asked RANKS 1 3 LABELS mpi
    SAYS "tandem: asked to stop: the same command goes on from here .SIGUSR1.")
