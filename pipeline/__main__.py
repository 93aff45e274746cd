"""`python -m pipeline …` is `seimai …`, for a checkout that is not installed (a submitted job)."""

import sys

from pipeline.cli import main

sys.exit(main())
