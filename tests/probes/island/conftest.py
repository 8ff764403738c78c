"""Left out where the kernel gives no network of one's own; where the variable CI is set they fail instead, and say what to do."""

import os

from tests.rude.island import is_in_reach

collect_ignore_glob = [] if is_in_reach() or os.environ.get("CI") else ["test_*.py"]
