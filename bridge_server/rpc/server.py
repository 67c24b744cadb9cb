# SPDX-License-Identifier: GPL-3.0-or-later
"""The gRPC server with all its services, health and reflection."""

from __future__ import annotations

import os
from dataclasses import dataclass

import grpc.aio
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from grpc_health.v1.health import aio as health  # pyright: ignore[reportAttributeAccessIssue]
from grpc_reflection.v1alpha import reflection

from bridge_api.v1 import (
    adapter_pb2,
    adapter_pb2_grpc,
    asset_pb2,
    edit_pb2,
    edit_pb2_grpc,
    job_pb2,
    job_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)
from bridge_server.adapters import AdapterShelf
from bridge_server.assets import AssetStore
from bridge_server.conversion import Converter
from bridge_server.folders import JobFolders
from bridge_server.jobs.events import EventFeed
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.jobs.store import JobStore
from bridge_server.references import References
from bridge_server.rpc.adapter import AdapterServicer
from bridge_server.rpc.asset import AssetServicer, add_asset_service
from bridge_server.rpc.auth import Token, TokenInterceptor
from bridge_server.rpc.edit import EditServicer
from bridge_server.rpc.errors import ErrorInterceptor
from bridge_server.rpc.job import JobServicer
from bridge_server.rpc.system import SystemServicer
from bridge_server.submission import Submission
from maskedit.catalogue import Catalogue

_OPTIONS = (
    # Otherwise a second server takes the same port without a word, and half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 4 << 20),
    # Whoever can reach the port, token or not, would otherwise take the descriptors that jobs and files need.
    ("grpc.max_allowed_incoming_connections", min(10_000, os.sysconf("SC_OPEN_MAX") // 2)),
    # A client whose machine or network went away is let go within half a minute, and with it the upload it was sending,
    # which nobody else could go on with: left to TCP that takes two hours.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Clients may ask every ten seconds whether a quiet stream is still alive.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)
_MODULES = (adapter_pb2, asset_pb2, edit_pb2, job_pb2, system_pb2)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the services call."""

    store: JobStore
    feed: EventFeed
    scheduler: Scheduler
    submission: Submission
    assets: AssetStore
    references: References
    folders: JobFolders
    shelf: AdapterShelf
    converter: Converter
    models: Catalogue


def build_server(parts: Parts, *, token: Token) -> tuple[grpc.aio.Server, health.HealthServicer]:
    """A server without ports, not started, and its health, which says SERVING from the start."""
    server = grpc.aio.server(interceptors=(TokenInterceptor(token), ErrorInterceptor()), options=_OPTIONS)
    edit_pb2_grpc.add_EditServiceServicer_to_server(EditServicer(parts.submission), server)
    jobs = JobServicer(
        parts.store, parts.feed, scheduler=parts.scheduler, submission=parts.submission, folders=parts.folders
    )
    job_pb2_grpc.add_JobServiceServicer_to_server(jobs, server)
    assets = AssetServicer(parts.assets, parts.references, store=parts.store, folders=parts.folders)
    add_asset_service(assets, server)
    adapters = AdapterServicer(parts.shelf, parts.converter, models=parts.models)
    adapter_pb2_grpc.add_AdapterServiceServicer_to_server(adapters, server)
    system_pb2_grpc.add_SystemServiceServicer_to_server(SystemServicer(parts.store, parts.models), server)
    wellness = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(wellness, server)
    names = [service.full_name for module in _MODULES for service in module.DESCRIPTOR.services_by_name.values()]
    reflection.enable_server_reflection((*names, HEALTH_NAME, reflection.SERVICE_NAME), server)
    return server, wellness
