# SPDX-License-Identifier: GPL-3.0-or-later
"""EditService."""

from __future__ import annotations

import asyncio

import grpc.aio

from bridge_api.v1 import edit_pb2, edit_pb2_grpc
from bridge_server.jobs.states import Priority
from bridge_server.rpc.auth import same_machine
from bridge_server.rpc.job_messages import priority_of
from bridge_server.rpc.translate import from_proto, to_proto
from bridge_server.submission import Submission
from maskedit.request import EditRequest


class EditServicer(edit_pb2_grpc.EditServiceServicer):
    def __init__(self, submission: Submission) -> None:
        self._submission = submission

    async def CheckEdit(
        self, request: edit_pb2.CheckEditRequest, context: grpc.aio.ServicerContext
    ) -> edit_pb2.CheckEditResponse:
        edit = await asyncio.to_thread(from_proto, request.edit, EditRequest)
        report = await self._submission.check(edit, same_machine=same_machine(context))
        response = edit_pb2.CheckEditResponse(region_frames=report.region_frames)
        to_proto(report.facts, response.facts)
        to_proto(report.frames, response.frames)
        to_proto(report.bounds, response.bounds)
        for finding in report.findings:
            to_proto(finding, response.findings.add())
        for estimate in report.estimates:
            to_proto(estimate, response.estimates.add())
        return response

    async def SubmitEdit(
        self, request: edit_pb2.SubmitEditRequest, context: grpc.aio.ServicerContext
    ) -> edit_pb2.SubmitEditResponse:
        job = await self._submission.submit(
            await asyncio.to_thread(from_proto, request.edit, EditRequest),
            sent=request.edit.SerializeToString(deterministic=True),
            idempotency_key=request.idempotency_key,
            same_machine=same_machine(context),
            priority=priority_of(request.priority) or Priority.NORMAL,
        )
        return edit_pb2.SubmitEditResponse(job_id=job.job_id)
