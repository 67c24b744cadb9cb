# SPDX-License-Identifier: GPL-3.0-or-later
"""One job, whole: everything a worker needs to know, as frozen dataclasses (torch-free).

The protos in `proto/bridge_api/v1` are this tree's twin on the wire. The tree names what the product will need; the
first version accepts exactly one of some things and refuses the rest with a sentence (`refusals`).
Frame numbers count from 0 at the first frame of the clip; ranges are inclusive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from pydantic import TypeAdapter

from maskedit.deliverable import Deliverable as Deliverable
from maskedit.deliverable import DeliverableFormat as DeliverableFormat
from maskedit.deliverable import DeliverableKind as DeliverableKind
from maskedit.errors import InputError


class Origin(StrEnum):
    """Where a colour fact comes from: the file's tag, a rule of thumb, or the user."""

    TAGGED = "tagged"
    GUESSED = "guessed"
    USER = "user"


class FieldOrder(StrEnum):
    UNKNOWN = "unknown"
    PROGRESSIVE = "progressive"
    TOP_FIRST = "top_first"
    BOTTOM_FIRST = "bottom_first"


class AlphaMode(StrEnum):
    NONE = "none"
    STRAIGHT = "straight"
    PREMULTIPLIED = "premultiplied"


class RegionRole(StrEnum):
    OBJECT = "object"
    SHADOW = "shadow"
    REFLECTION = "reflection"


class MattePurpose(StrEnum):
    """edit: change allowed; composite: what the paste shows; holdout: occluders in front; ignore: not trained on."""

    EDIT = "edit"
    COMPOSITE = "composite"
    HOLDOUT = "holdout"
    IGNORE = "ignore"


class MatteChannel(StrEnum):
    AUTO = "auto"
    LUMA = "luma"
    ALPHA = "alpha"


class Loosening(StrEnum):
    """Into what a drawn matte is widened: its own outline grown, its bounding box, or its convex hull."""

    GROWN = "grown"
    BOX = "box"
    HULL = "hull"


class CompositeMatte(StrEnum):
    """What the paste shows of a region. found: what came out different from the plate; drawn: all that was allowed."""

    FOUND = "found"
    DRAWN = "drawn"


class AdapterRole(StrEnum):
    """start: stands for stage 1 and is tuned on; beside: stays as it is beside the edit's own (a distilled one)."""

    START = "start"
    BESIDE = "beside"


class AdapterFormat(StrEnum):
    """Whose key names an adapter's file uses; comfyui stands for diffusion-pipe, kohya for musubi-tuner as well."""

    DIFFUSERS = "diffusers"
    COMFYUI = "comfyui"
    KOHYA = "kohya"


class KeyframeRole(StrEnum):
    EDITED = "edited"
    UNCHANGED = "unchanged"
    REFERENCE = "reference"


class Preset(StrEnum):
    DRAFT = "draft"
    FAST = "fast"
    STANDARD = "standard"
    BEST = "best"


@dataclass(frozen=True, kw_only=True)
class FrameRange:
    """Frames `first` to `last`, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.first < 0 or self.last < self.first:
            raise InputError(
                f"The frame range {self.first}-{self.last} runs backwards or below 0: give it as FIRST-LAST."
            )

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, kw_only=True)
class Extent:
    """A rectangle in source pixels, origin top left: the part of the frame that a cropped keyframe shows."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class MediaReference:
    """A clip, sequence (`shot.%04d.exr`), picture or roto file, wherever it lies.

    `locations`: paths on this machine, best first; the server fills them after resolving assets. `asset_ids`: the
    SHA-256 of uploaded content. `quick_fingerprint`: hash of size, time and sampled bytes. `first_number`: a
    sequence's number of frame 0. `display_name`: what messages call the file.
    """

    locations: tuple[str, ...] = ()
    asset_ids: tuple[str, ...] = ()
    display_name: str = ""
    size_bytes: int = 0
    quick_fingerprint: str = ""
    full_hash: str = ""
    reel: str = ""
    start_timecode: str = ""
    drop_frame: bool = False
    first_number: int = 0

    @property
    def path(self) -> str:
        """The best location. Raises InputError if the media has not been located."""
        if not self.locations:
            raise InputError(f"{self.display_name or 'A media file'} has no location: upload it or give its path.")
        return self.locations[0]


@dataclass(frozen=True, kw_only=True)
class ColourTag:
    """One colour property by its FFmpeg/CICP name ("bt709", "smpte2084", "tv") and where that name comes from."""

    name: str = "unknown"
    origin: Origin = Origin.GUESSED


@dataclass(frozen=True, kw_only=True)
class MediaFacts:
    """What a probe finds. `rate` in frames per second, `rotation` in degrees clockwise, `bit_depth` per sample."""

    frame_count: int
    width: int
    height: int
    rate: Fraction
    pixel_format: str
    bit_depth: int = 8
    variable_rate: bool = False
    pixel_aspect: Fraction = Fraction(1)
    field_order: FieldOrder = FieldOrder.UNKNOWN
    rotation: int = 0
    alpha_mode: AlphaMode = AlphaMode.NONE
    primaries: ColourTag = ColourTag()
    transfer: ColourTag = ColourTag()
    matrix: ColourTag = ColourTag()
    range: ColourTag = ColourTag()
    has_audio: bool = False
    start_timecode: str = ""
    reel: str = ""


@dataclass(frozen=True, kw_only=True)
class Matte:
    """White = inside. A video, image sequence or roto file (.json) with the clip's frame numbering.

    `subtract`: what is inside is taken away from the mattes of its purpose that stand before it in its region.
    `first_frame`: the clip's frame that the first picture of a video or sequence shows, where these cover a part of the
    clip; None = they cover the whole clip.
    """

    media: MediaReference
    purpose: MattePurpose = MattePurpose.EDIT
    channel: MatteChannel = MatteChannel.AUTO
    invert: bool = False
    subtract: bool = False
    first_frame: int | None = None


@dataclass(frozen=True, kw_only=True)
class Region:
    """What is to change. `grow_px` and `feather_px` in source pixels; None lets the preset decide.

    `loosening` comes first, then the growing. `smooth_frames`: how many frames before and after a frame its matte
    covers too, so that its edge does not jitter. `composite`: what the paste shows where no matte of that purpose is
    given. A region without an edit matte is what its keyframes change, carried through the clip.
    """

    mattes: tuple[Matte, ...]
    name: str = ""
    role: RegionRole = RegionRole.OBJECT
    grow_px: int | None = None
    feather_px: int | None = None
    loosening: Loosening = Loosening.GROWN
    smooth_frames: int | None = None
    composite: CompositeMatte = CompositeMatte.FOUND


@dataclass(frozen=True, kw_only=True)
class Keyframe:
    """The edited picture of frame `frame`, in source size, or a crop of it placed by `extent`."""

    frame: int
    image: MediaReference
    role: KeyframeRole = KeyframeRole.EDITED
    extent: Extent | None = None


@dataclass(frozen=True, kw_only=True)
class KeyframeCare:
    """What may be done to keyframes that differ from their plate outside the region.

    `register`: lay a shifted, scaled or turned one back; `match_colour`: undo a drift of its colours, each only where
    that is clearly needed. `fit`: scale one of another size and the same shape to the clip's.
    """

    register: bool = True
    match_colour: bool = True
    fit: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingSource:
    """Another shot that the adapter may learn motion and background from, beside the target."""

    media: MediaReference
    frames: FrameRange | None = None
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WorkingColour:
    """Names the transform from the plate to the display-referred view that the model sees; "" = from the tags."""

    name: str = ""
    origin: Origin = Origin.TAGGED


@dataclass(frozen=True, kw_only=True)
class Finish:
    """How far what was generated is matched to its plate, each from 0 (off) to 1 (full).

    `grain`, `sharpness`, `shutter` (motion blur): what it lacks of the plate's; `steady`: flicker beyond the plate's is
    taken back (see `maskedit.matching`). `rim_colour`: its colours along the rim (see `maskedit.rim`).
    """

    grain: float = 1.0
    sharpness: float = 1.0
    rim_colour: float = 1.0
    shutter: float = 0.0
    steady: float = 1.0


@dataclass(frozen=True, kw_only=True)
class AdapterUse:
    """An adapter that this machine already has, by its id (64 hexadecimal digits); `strength` above 0 and up to 2."""

    adapter_id: str
    role: AdapterRole = AdapterRole.START
    strength: float = 1.0

    def __post_init__(self) -> None:
        # An id becomes a file's name.
        if not re.fullmatch(r"[0-9a-f]{64}", self.adapter_id):
            raise InputError(f"{self.adapter_id!r} is no adapter's id: `maskedit adapters list` shows them.")
        if not 0 < self.strength <= 2:
            raise InputError(f"An adapter's strength cannot be {self.strength}: give more than 0 and up to 2.")


@dataclass(frozen=True, kw_only=True)
class Rerender:
    """Render only `frames` anew from `parent_take`, a job's id; every other frame is locked and given as kept.

    `folder`: where the parent's results and record lie; the server finds it, whatever a client says.
    """

    parent_take: str
    frames: tuple[FrameRange, ...]
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Values that override the preset's; None keeps the preset's. Names and meanings as in `presets.Recipe`."""

    motion_steps: int | None = None
    appearance_steps: int | None = None
    learning_rate: float | None = None
    rank: int | None = None
    render_steps: int | None = None
    guidance: float | None = None
    draft_strength: float | None = None
    alpha: float | None = None
    targets: str | None = None
    adapted_share: float | None = None
    weight_decay: float | None = None
    motion_share: float | None = None
    kept_weight: float | None = None
    timestep_sampling: str | None = None
    timestep_shift: float | None = None
    training_frames: int | None = None
    training_overlap: int | None = None
    patience: int | None = None
    prior_strength: float | None = None
    window_frames: int | None = None
    overlap_frames: int | None = None
    step_cache: float | None = None
    configuration: str | None = None
    given_keyframes: str | None = None
    draft_given: float | None = None
    practice_looks: int | None = None
    draft_trust: float | None = None
    draft_detail: float | None = None
    enlargement: float | None = None
    budget_px: int | None = None
    seeds: int | None = None


@dataclass(frozen=True, kw_only=True)
class EditRequest:
    """One edit. `frames` None = the whole clip; `handles` = extra frames before and after, trained on only."""

    target: MediaReference
    regions: tuple[Region, ...]
    keyframes: tuple[Keyframe, ...]
    facts: MediaFacts | None = None
    training_sources: tuple[TrainingSource, ...] = ()
    frames: FrameRange | None = None
    handles: tuple[int, int] = (0, 0)
    model: str = "bundled"
    preset: Preset = Preset.STANDARD
    settings: Settings = field(default_factory=Settings)
    prompt: str = ""
    seed: int = 0
    working_colour: WorkingColour = WorkingColour()
    finish: Finish = Finish()
    deliverables: tuple[Deliverable, ...] = (Deliverable(),)
    rerender: Rerender | None = None
    adapters: tuple[AdapterUse, ...] = ()
    keyframe_care: KeyframeCare = KeyframeCare()
    project: str = ""
    shot: str = ""
    name: str = ""


_ADAPTER = TypeAdapter(EditRequest)


def to_json(request: EditRequest) -> str:
    """The request as JSON, for the job store, the worker and the take's record."""
    return _ADAPTER.dump_json(request).decode()


def from_json(text: str | bytes) -> EditRequest:
    """The inverse of `to_json`. Raises InputError naming the first field that does not fit."""
    try:
        return _ADAPTER.validate_json(text)
    except ValueError as error:
        raise InputError(f"The edit request cannot be read: {error}") from error
