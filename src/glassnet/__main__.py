"""`python -m glassnet`, for where the program is not on the path."""

from glassnet.cli import main

main()
