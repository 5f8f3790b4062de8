"""``python -m pagefix``."""

import sys

from pagefix.cli import main

if __name__ == "__main__":
    sys.exit(main())
