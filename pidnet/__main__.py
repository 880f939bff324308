"""``python -m pidnet`` is the command ``pidnet``."""

from pidnet.cli import main

main()
