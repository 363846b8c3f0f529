"""`python -m sqlstrict`: the same as the `sqlstrict` command."""

import sys

from sqlstrict.cli import main

sys.exit(main())
