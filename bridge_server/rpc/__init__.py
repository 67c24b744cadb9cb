# SPDX-License-Identifier: GPL-3.0-or-later
"""gRPC: servicers that translate a message, call, and translate back. The only room that knows the protos.

`server.build_server` is what leaves it.
"""
