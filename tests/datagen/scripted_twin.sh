#!/bin/bash
# scripted_twin.sh PROGRAM SOURCE: the scripted teacher answers as its document says, for some
# thousand requests, and steps draw the numbers that the document says.
set -eu
for python in python3 /usr/bin/python3; do
    $python -c 'import xxhash' 2>/dev/null || continue
    exec $python "$2/tests/datagen/scripted_twin.py" "$1" "$2"
done
echo "skipped: needs python3 with xxhash (Debian: python3-xxhash)"
exit 77
