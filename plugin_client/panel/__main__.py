# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m plugin_client.panel [PROJECT.maskedit | CLIP] [--server ADDRESS]`: the panel's window."""

import sys

from plugin_client.panel.shell.app import run

if __name__ == "__main__":
    sys.exit(run())
