"""`python -m pie_client_cli`."""

from pie_client_cli.main import main

main()
