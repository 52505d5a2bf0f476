"""``python -m dafan``: the command line where the console script is not on the path."""

from dafan.cli import main

main()
