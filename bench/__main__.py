"""`python -m bench`: runs every benchmark and prints ratios; `python -m bench anatomy` runs one."""

import sys
from importlib import import_module

BENCHMARKS = ("anatomy",)


def main() -> None:
    for name in sys.argv[1:] or BENCHMARKS:
        for row in import_module(f"bench.{name}").rows():
            goal = "" if row.goal is None else f"  (goal {row.goal:.2f}{'' if row.ratio <= row.goal else ', missed'})"
            print(
                f"{row.ratio:5.2f} = {row.ours * 1e3:.1f} ms / {row.theirs * 1e3:.1f} ms  {row.what}{goal}", flush=True
            )


if __name__ == "__main__":
    main()
