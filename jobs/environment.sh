# environment.sh: what mpirun needs on one machine; sourced by the scripts of jobs/ and tests/.

# Open MPI refuses root, and more ranks than cores, unless told.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
# A rank that waits lets others run; threads that wait sleep.
export OMPI_MCA_mpi_yield_when_idle=1
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
# Each rank may use all cores: roles mostly work in turn.
export OMPI_MCA_hwloc_base_binding_policy=none
# Containers often forbid reading another process's memory.
export OMPI_MCA_btl_vader_single_copy_mechanism=none
