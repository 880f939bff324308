"""python -m pidnet"""

from pidnet.cli import main

main()
