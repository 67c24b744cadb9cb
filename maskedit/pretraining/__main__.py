# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m maskedit.pretraining --config RUN.toml --out DIR [--resume] [--minutes N] [--export DIR]`."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from maskedit.models.bundled.codec import DctCodec
from maskedit.pretraining.config import load_config
from maskedit.pretraining.export import export
from maskedit.pretraining.loop import pretrain
from maskedit.pretraining.probe import measure, probe_clips


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="maskedit pretrain", description="Train the bundled model from nothing.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the run")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint, log and sample sheets")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes (default: when the stages end)")
    parser.add_argument(
        "--compile", action="store_true", help="compile the blocks: a minute per clip shape, then a third faster"
    )
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the averaged weights as a model folder")
    options = parser.parse_args(arguments)
    try:
        config = load_config(options.config)
    except (OSError, ValueError, TypeError, KeyError) as error:
        print(f"maskedit pretrain: {options.config}: {error}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())  # finish the step, keep what was learnt
    state = pretrain(
        config,
        options.out,
        resume=options.resume,
        minutes=options.minutes,
        compiled=options.compile,
        report=lambda line: print(json.dumps(line), flush=True),
        stop=stop,
    )
    if options.export:
        codec = DctCodec()
        figures, _ = measure(
            state.average,
            codec,
            probe_clips(config.probe, codec),
            steps=config.probe.render_steps,
            flow_shift=config.flow_shift,
        )
        facts = {"steps": state.step, "probe": figures}
        mark = export(state.average, options.export, config=config, facts=facts)
        print(json.dumps({"exported": str(options.export), "fingerprint": mark, **figures}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
