# SPDX-License-Identifier: GPL-3.0-or-later
# Blender reads properties from annotations that are calls.
# pyright: reportInvalidTypeForm=false
"""What can be done about a run at the server: moved in the queue, asked for a picture; and the queue as a whole."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy

from plugin_client.blender import settings, watching
from plugin_client.blender.engine import engine
from plugin_client.blender.operators import asking
from plugin_client.core.errors import BadInput

if TYPE_CHECKING:
    # Imported where they are used, on threads: gRPC takes longer than Blender's start-up may wait.
    from plugin_client.core.jobs import Jobs
    from plugin_client.core.queue import Line

MOVES = (
    ("FIRST", "Move to Top", "Before all others of its priority"),
    ("EARLIER", "Move Up", "Before the one that goes before it"),
    ("LATER", "Move Down", "Behind the one that comes after it"),
    ("LAST", "Move to Bottom", "Behind all others of its priority"),
)


def steer(do: "Callable[[Jobs], object]", *, expected: "Line | None" = None) -> None:
    """Have `do` done on a thread; the sidebar shows `expected` at once, and what the server says as soon as it does."""
    session = engine().session
    session.keep_alive()
    if expected is not None:
        session.expect(expected)
        watching.redraw()

    def work() -> None:
        from plugin_client.core.jobs import Jobs

        with session.connection() as connection:
            do(Jobs(connection))

    def failed(error: Exception) -> None:
        from plugin_client.blender.wording import in_words

        session.look_again()
        watching.tell(in_words(error))

    watching.background.start(work, lambda _: session.look_again(), failed=failed)


def waiting_job(run_id: str) -> str:
    """The job of a run that waits in the queue as far as is known. Raises BadInput."""
    job_id = engine().run(run_id).job_id
    if not engine().session.line.places(job_id):
        raise BadInput("This run does not wait in the queue: only one that does can be moved.")
    return job_id


class MASKEDIT_OT_move(bpy.types.Operator):
    """Give this run another place in the queue, among those of its own priority"""

    bl_idname = "maskedit.move"
    bl_label = "Move in the Queue"

    run: bpy.props.StringProperty(name="Run")
    to: bpy.props.EnumProperty(name="To", items=MOVES)

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        """Of the button, rather than of the operator."""
        return next(f"{label}: {words[:1].lower()}{words[1:]}" for name, label, words in MOVES if name == properties.to)

    def execute(self, context: Any) -> set[str]:
        """Move it; the server is told in the background."""
        try:
            job_id = waiting_job(self.run)
        except BadInput as error:
            return asking.refused(self, error)
        line = engine().session.line
        place, places = line.place(job_id), line.places(job_id)
        to = {"FIRST": places[0], "EARLIER": place - 1, "LATER": place + 1, "LAST": places[-1]}[self.to]
        to = min(max(to, places[0]), places[-1])
        steer(lambda jobs: jobs.move(job_id, to), expected=line.moved(job_id, to))
        return {"FINISHED"}


class MASKEDIT_OT_prioritise(bpy.types.Operator):
    """Let this run go before those of a lower priority, or behind those of a higher one"""

    bl_idname = "maskedit.prioritise"
    bl_label = "Priority"

    run: bpy.props.StringProperty(name="Run")
    priority: bpy.props.EnumProperty(name="Priority", items=settings.PRIORITIES, default="normal")

    def execute(self, context: Any) -> set[str]:
        """Change it; the server is told in the background."""
        try:
            job_id = waiting_job(self.run)
        except BadInput as error:
            return asking.refused(self, error)
        priority, line = self.priority, engine().session.line
        steer(lambda jobs: jobs.prioritise(job_id, priority), expected=line.prioritised(job_id, priority))
        return {"FINISHED"}


class MASKEDIT_OT_pause_queue(bpy.types.Operator):
    """Start no further run, or go on; what runs now is left alone"""

    bl_idname = "maskedit.pause_queue"
    bl_label = "Pause the Queue"

    paused: bpy.props.BoolProperty(name="Paused", description="Off: go on", default=True, options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Tell the server in the background."""
        paused = self.paused
        steer(lambda jobs: jobs.pause_queue(paused))
        return {"FINISHED"}


class MASKEDIT_OT_sample_now(bpy.types.Operator):
    """Render one small picture with what has been learned so far"""

    bl_idname = "maskedit.sample_now"
    bl_label = "Sample Now"

    run: bpy.props.StringProperty(name="Run")

    def execute(self, context: Any) -> set[str]:
        """Ask for it; it appears on the run's card."""
        return _ask(self, lambda jobs, job_id: jobs.sample_now(job_id))


class MASKEDIT_OT_save_now(bpy.types.Operator):
    """Keep what has been learned so far on the server, to begin other edits from"""

    bl_idname = "maskedit.save_now"
    bl_label = "Save Now"

    run: bpy.props.StringProperty(name="Run")

    def execute(self, context: Any) -> set[str]:
        """Ask for it; the run's card says when it is done."""
        return _ask(self, lambda jobs, job_id: jobs.save_now(job_id))


def _ask(operator: Any, ask: "Callable[[Jobs, str], object]") -> set[str]:
    try:
        run = engine().run(operator.run)
        if not run.course.is_tuning:
            raise BadInput("This run learns nothing now: ask while it learns the shot's motion or your edit.")
    except BadInput as error:
        return asking.refused(operator, error)
    run.asked = run.course.note
    steer(lambda jobs: ask(jobs, run.job_id))
    return {"FINISHED"}


CLASSES = (
    MASKEDIT_OT_move,
    MASKEDIT_OT_prioritise,
    MASKEDIT_OT_pause_queue,
    MASKEDIT_OT_sample_now,
    MASKEDIT_OT_save_now,
)
