#!/usr/bin/env python3
"""parquet.py IN.jsonl OUT.parquet: what `tandem export --to rows|messages` wrote, as Parquet.

Needs pyarrow (pip install pyarrow).  A member that some lines lack is null there.
"""
import json
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        sys.exit("parquet.py: pyarrow is missing: python3 -m pip install pyarrow")
    with open(sys.argv[1], encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    if not rows:
        sys.exit(f"parquet.py: {sys.argv[1]} holds no line")
    columns = sorted({key for row in rows for key in row})
    table = arrow.table({key: [row.get(key) for row in rows] for key in columns})
    parquet.write_table(table, sys.argv[2])
    print(f"{table.num_rows} rows, {table.num_columns} columns written to {sys.argv[2]}")


main()
