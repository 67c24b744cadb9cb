# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server that is there lets nobody in: gRPC says of every failed handshake that the socket was closed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

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
    except OSError:
        return f"{endpoint.certificate} holds no certificate, so name the PEM file of its authority"
    context.set_alpn_protocols(["h2"])
    context.verify_flags = (
        ssl.VERIFY_X509_PARTIAL_CHAIN
    )  # as gRPC does: a server may be trusted for its own certificate
    try:
        if endpoint.client_certificate:
            context.load_cert_chain(endpoint.client_certificate, endpoint.client_key)
    except OSError:
        files = f"{endpoint.client_certificate} and {endpoint.client_key}"
        return f"{files} are no PEM files of a certificate and its key, so name two that belong together"
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host.strip("[]")) as secured,
        ):
            if secured.recv(1):
                return ""
    except ssl.SSLCertVerificationError as error:
        return _why_not_trusted(error, host.strip("[]"))
    except (ssl.SSLEOFError, ConnectionResetError):
        pass
    except (OSError, ValueError):
        return ""
    if endpoint.client_certificate:
        return "it hangs up on this client's certificate, so give one that its authority signed and that is still valid"
    return "it hangs up on clients that show no certificate, so give one and its key"


def _why_not_trusted(error: ssl.SSLCertVerificationError, host: str) -> str:
    match error.verify_code:  # X509_V_ERR_… of openssl/x509_vfy.h
        case 9:
            return "its certificate is not valid yet, so look at this machine's clock, else at the certificate's dates"
        case 10:
            return "its certificate, or that of its authority, has expired, so have it renewed"
        case 62 | 64:
            return f"its certificate is not for {host}, so give the address by a name that is in the certificate"
        case _:
            return f"nobody whom this client trusts vouches for it ({error.verify_message}), so name its authority"
