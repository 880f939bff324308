"""What the data folder of the benchmarks must hold; with a folder, whether it does.

    python -m benchmarks.make_data [folder]

Nothing is downloaded: get each original from its source, draw what the table says, and save it with numpy's savez.
"""

from __future__ import annotations

import sys

from pidnet.datasets.origins import ORIGINS, check_file


def main(arguments: list[str]) -> int:
    """Print the table; the number of files that are not right."""
    wrong = 0
    for name, origin in ORIGINS.items():
        state = f": {check_file(arguments[0], name)}" if arguments else ""
        wrong += bool(state) and state != ": right"
        print(f"{name}{state}\n  from {origin.source}")
        for key, what in origin.keys.items():
            print(f"  {key:8} {what}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
