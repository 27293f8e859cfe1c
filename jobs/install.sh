#!/bin/sh
# install.sh [run|test]: installs the Debian packages that Tandem needs and that are missing.
#
# Uses apt-get as root or through sudo; where it has neither it names the packages and stops.
# "test" adds what only the tests use.
set -eu

packages="build-essential cmake ninja-build pkg-config git openmpi-bin libopenmpi-dev
libopenblas-openmp-dev libdnnl-dev libhdf5-dev libcjson-dev libcurl4-openssl-dev libmicrohttpd-dev
libxxhash-dev librandom123-dev libutf8proc-dev libpcre2-dev"
if [ "${1:-run}" = test ]; then
    packages="$packages python3 python3-h5py python3-xxhash hdf5-tools"
fi

missing=""
for package in $packages; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "install.sh: this is not a Debian-like system; please install what corresponds to:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
elif command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then
    as_root="sudo"
else
    echo "install.sh: neither root nor sudo; please have these packages installed:" >&2
    echo "  apt-get install$missing" >&2
    exit 1
fi

echo "installing:$missing"
log=$(mktemp)
for try in 1 2 3; do
    if $as_root apt-get update >"$log" 2>&1 &&
        # shellcheck disable=SC2086
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            $missing >>"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    sleep $((try * 5))
done
tail -n 20 "$log" >&2
echo "install.sh: apt-get failed (above: the end of its log)" >&2
rm -f "$log"
exit 1
