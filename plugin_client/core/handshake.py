# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server that is there lets nobody in: gRPC says of every failed handshake that the socket was closed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin_client.core.connection import Endpoint

_SECONDS = 2.0


def why_refused(endpoint: Endpoint) -> str:
    """What is wrong with the certificates and what to do, a clause; "" where these are not what is wrong.

    Shakes hands once more. A gRPC server speaks first; one that does not like a client's certificate, or that it
    shows none, hangs up without a word once TLS stands.
    """
    if endpoint.address.startswith("unix:") or not (endpoint.certificate or not endpoint.is_local):
        return ""
    try:
        import ssl  # here, because a host application's Python may have none that loads
    except ImportError:
        return ""
    host, _, port = endpoint.address.rpartition(":")
    try:
        context = ssl.create_default_context(cafile=endpoint.certificate or None)
        context.set_alpn_protocols(["h2"])
        if endpoint.client_certificate:
            context.load_cert_chain(endpoint.client_certificate, endpoint.client_key)
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host.strip("[]")) as secured,
        ):
            if secured.recv(1):
                return ""
    except ssl.SSLCertVerificationError as error:
        return f"nobody whom this client trusts vouches for it ({error.verify_message}), so name its authority"
    except (ssl.SSLEOFError, ConnectionResetError):
        pass
    except (OSError, ValueError):
        return ""
    if endpoint.client_certificate:
        return "it hangs up on this client's certificate, so give one that its authority has signed"
    return "it hangs up on clients that show no certificate, so give one and its key"
