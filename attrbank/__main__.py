"""``python -m attrbank``: the command line without its script."""

from __future__ import annotations

from attrbank.cli.entry import main

if __name__ == "__main__":
    main()
