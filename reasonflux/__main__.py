"""`python -m reasonflux`, and the console script `reasonflux`."""

import sys

from reasonflux.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
