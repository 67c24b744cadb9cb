# SPDX-License-Identifier: GPL-3.0-or-later
"""The `maskedit` command: a thin layer of options and words over plugin_client.core."""

import os

# Before gRPC is imported: it writes a line for each handshake that fails, several a second; we say once in words why.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
