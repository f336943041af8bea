"""`pie backend`: typed graphs of components."""

from pie_deploy.cli.backend import document, editing, listing, running
from pie_deploy.cli.verbs import noun

app = noun("Typed graphs of components: edit, deploy, fork.")
for verbs in (listing, editing, document, running):
    app.add_typer(verbs.app)
