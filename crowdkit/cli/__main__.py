"""``python -m crowdkit.cli``."""

import sys

from crowdkit.cli.main import main

sys.exit(main())
