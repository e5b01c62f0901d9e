"""`python -m shopkeeper` is the `shopkeeper` command."""

from shopkeeper.main import run

run()
