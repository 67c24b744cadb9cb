# SPDX-License-Identifier: GPL-3.0-or-later
"""`maskedit pretrain --out DIR [--from [MODEL]] [--clips DIR] …`: train the bundled model, or one like it."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from maskedit.errors import InputError, MaskEditError, OutputError

_BUNDLED = Path(__file__).parents[1] / "models" / "bundled"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="maskedit pretrain",
        description="Train the bundled model from nothing, or go on from weights with --from, on drawn clips and on "
        "footage of your own. Ctrl-C stops after the step at hand and keeps what was learnt.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for checkpoint, log and sample sheets")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="TOML",
        help="the run (default: pretrain.toml of the bundled model, with --from its finetune.toml)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        nargs="?",
        const=_BUNDLED / "weights",
        metavar="MODEL",
        help="start from the weights of a model folder, by itself those that ship",
    )
    parser.add_argument("--clips", type=Path, metavar="DIR", help="mix in footage: videos and numbered pictures")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train (auto: a GPU if there is one)"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--minutes", type=float, metavar="N", help="stop after so long (default: when the stages end)")
    parser.add_argument(
        "--compile", action="store_true", help="compile the blocks: a minute per clip shape, then a third faster"
    )
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the averaged weights as a model folder")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns 0, or 2 for what cannot be done, said in a sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (MaskEditError, FloatingPointError) as error:
        _say(str(error))
    except ModuleNotFoundError as error:
        _say(f"It needs {error.name}, which is not installed: install maskedit[server].")
    else:
        return 0
    return 2


def _run(options: argparse.Namespace) -> None:
    # Imported here: torch takes seconds, and --help and a missing extra are answered without it.
    from maskedit.models.bundled.codec import DctCodec
    from maskedit.pretraining.config import load_config
    from maskedit.pretraining.export import export
    from maskedit.pretraining.footage import find_footage
    from maskedit.pretraining.loop import CHECKPOINT, pretrain
    from maskedit.pretraining.probe import measure, probe_clips
    from maskedit.pretraining.starting import check_same_shape, inherited_settings, load_weights, training_device

    device = training_device(options.device)
    start = load_weights(options.start) if options.start else None
    usual = _BUNDLED / ("finetune.toml" if options.start else "pretrain.toml")
    inherited = inherited_settings(options.start, start) if start is not None else None
    config = load_config(options.config or usual, inherited=inherited)
    if start is not None:
        check_same_shape(start, config.transformer, folder=options.start)
    footage = find_footage(options.clips, config.stages, say=_say) if options.clips else None
    if not options.resume and (options.out / CHECKPOINT).exists():
        raise InputError(f"{options.out} holds a run already: go on with --resume, or give another --out.")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())  # finish the step, keep what was learnt
    try:
        state = pretrain(
            config,
            options.out,
            resume=options.resume,
            minutes=options.minutes,
            compiled=options.compile,
            device=device,
            start=start,
            footage=footage,
            report=lambda line: print(json.dumps(line), flush=True),
            say=_say,
            stop=stop,
        )
        if options.export:
            codec: Any = DctCodec()
            codec.to(device)
            held = probe_clips(config.probe, codec, device=device)
            figures, _ = measure(
                state.average, codec, held, steps=config.probe.render_steps, flow_shift=config.flow_shift
            )
            facts = {"steps": state.step, "probe": figures}
            mark = export(state.average, options.export, config=config, facts=facts)
            print(json.dumps({"exported": str(options.export), "fingerprint": mark, **figures}), flush=True)
    except MaskEditError:
        raise
    except OSError as error:
        raise OutputError(f"The run cannot be written ({error}): give another --out or --export.") from error


def _say(sentence: str) -> None:
    print(f"maskedit pretrain: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
