# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m bridge_server`, which is also `maskedit serve`."""

import sys

from bridge_server.app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
