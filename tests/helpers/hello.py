"""Stands for a command that writes a file."""

import sys
from pathlib import Path

Path(sys.argv[1]).write_text("hello")
