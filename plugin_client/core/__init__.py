# SPDX-License-Identifier: GPL-3.0-or-later
"""What every client shares: the connection, media transfer, jobs, frame and time maths, the Host protocol.

Standard library, grpcio and protobuf only, so that it can be bundled into host applications.
"""
