"""`python -m bakery`."""

from bakery.main import main

main()
