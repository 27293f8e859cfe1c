#!/bin/sh
# quickstart.sh [key=value ...]: from a fresh clone to a model that has taught itself addition.
#
# Installs what is missing, builds, and runs the main campaign with one generator and one trainer
# rank.  Key=value pairs go to the config, such as seed=2 or out=/tmp/run.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. jobs/environment.sh

sh jobs/install.sh run
echo "building"
sh jobs/build.sh -DBUILD_TESTING=OFF
mpirun -n 2 --bind-to none build/cli/tandem run configs/star-addition.json "$@"

out=runs/star-addition
for word in "$@"; do
    case $word in out=*) out=${word#out=} ;; esac
done
echo
echo "report: $out/report.html"
echo "try:    build/cli/tandem sample --model $out --prompt '624+259='"
