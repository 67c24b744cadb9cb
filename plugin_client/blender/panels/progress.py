# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the runs are, which of them waits for what, and what can be done about each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import thumbnails
from plugin_client.blender.engine import engine
from plugin_client.blender.panels import parts
from plugin_client.blender.underway import shown_runs, unfinished_runs

if TYPE_CHECKING:
    from plugin_client.blender.runs import Run
    from plugin_client.blender.session import Session
    from plugin_client.core.job import Job

_PICTURE_SCALE = 5.0
_ARROWS = (("FIRST", "TRIA_UP_BAR"), ("EARLIER", "TRIA_UP"), ("LATER", "TRIA_DOWN"), ("LAST", "TRIA_DOWN_BAR"))


@parts.in_sidebar
class MASKEDIT_PT_progress(bpy.types.Panel):
    """The runs of this Blender, whichever strip is selected, the waiting ones in the queue's order."""

    bl_label = "Running"
    bl_order = -1

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where there are any."""
        return bool(shown_runs())

    def draw(self, context: Any) -> None:
        """One card for each."""
        session = engine().session
        if session.is_paused and session.line.waiting:
            self.layout.operator("maskedit.pause_queue", text="Resume the Queue", icon="PLAY").paused = False
        places = {job.job_id: place for place, job in enumerate(session.line.waiting)}
        # One that was sent just now comes last until it is known where it stands.
        for run in sorted(shown_runs(), key=lambda run: places.get(run.job_id, len(places) if run.is_queued else -1)):
            _run_card(self.layout.box(), context, run, session)


def _run_card(box: Any, context: Any, run: Run, session: Session) -> None:
    head = box.row()
    name = f"{run.order.strip_shot.spot.strip}, {run.order.name}"
    head.label(text=name, icon="ERROR" if run.error else "SEQUENCE")
    if run.is_over:
        head.operator("maskedit.dismiss", text="", icon="X", emboss=False).run = run.run_id
    if run.error:
        parts.paragraph(box, context, run.error, boxed=True)
        if run.can_retry:
            box.operator("maskedit.retry", icon="FILE_REFRESH").run = run.run_id
        return
    if run.preview:
        box.template_icon(icon_value=thumbnails.icon_of(run.preview), scale=_PICTURE_SCALE)
    waiting = session.waiting(run.job_id) if run.is_queued else None
    if waiting is not None:
        _queued(box, context, run, job=waiting, session=session)
    else:
        parts.paragraph(box, context, run.words, boxed=True)
        if not run.is_queued:
            parts.bar(box, context, run)
    if run.course.is_tuning and run.state.value == "running":
        _tuning_tools(box, context, run)
    if run in unfinished_runs():
        box.operator("maskedit.cancel", text="Cancel", icon="CANCEL").run = run.run_id


def _queued(box: Any, context: Any, run: Run, *, job: Job, session: Session) -> None:
    """Why it waits, its place and its priority."""
    from plugin_client.core.queue import waiting_words

    parts.paragraph(box, context, f"In the queue: {waiting_words(job, paused=session.is_paused)}", boxed=True)
    place, places = session.line.place(job.job_id), session.line.places(job.job_id)
    row = box.row(align=True)
    for to, icon in _ARROWS:
        button = row.row(align=True)
        button.enabled = place > places[0] if to in ("FIRST", "EARLIER") else place < places[-1]
        move = button.operator("maskedit.move", text="", icon=icon)
        move.run, move.to = run.run_id, to
    choice = (box if parts.is_narrow(context) else row).row(align=True)
    words = f"{job.priority.capitalize()} Priority"
    choice.operator_menu_enum("maskedit.prioritise", "priority", text=words).run = run.run_id


def _tuning_tools(box: Any, context: Any, run: Run) -> None:
    """What a run that learns can be asked for, and its answer."""
    row = box.row(align=True)
    row.operator("maskedit.sample_now", icon="IMAGE_DATA").run = run.run_id
    row.operator("maskedit.save_now", icon="FILE_TICK").run = run.run_id
    if run.answer:
        said = box.column()
        said.active = False
        parts.paragraph(said, context, run.answer, boxed=True)


CLASSES = (MASKEDIT_PT_progress,)
