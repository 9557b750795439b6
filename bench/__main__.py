"""`python -m bench` runs every benchmark; `python -m bench anatomy` runs one."""

import sys
from importlib import import_module

BENCHMARKS = ("anatomy", "residual", "inference", "pages", "first", "load")

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        for row in import_module(f"bench.{name}").rows():
            print(row.text, flush=True)
