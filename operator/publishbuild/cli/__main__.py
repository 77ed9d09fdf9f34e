"""``python -m publishbuild.cli`` is ``publishbuild``."""

from publishbuild.cli.main import app

app(prog_name="publishbuild")
