# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's video sequencer as a client: select a strip, paint a frame, and the edit lands on the track above.

Importing any of its modules costs Blender's start-up nothing: gRPC and protobuf are imported on first use.
"""
