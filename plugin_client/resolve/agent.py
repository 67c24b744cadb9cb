# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside Resolve: it starts MaskEdit and lends it the scripting objects over loopback, call by call.

The standard library alone, in the words of Python 3.6: Resolve takes whichever Python it finds. The installed menu
scripts are this file with one more line, so it imports nothing of ours.

The protocol: one connection, JSON lines of at most `LINE_BYTES`. The first says `{"token": ...}`; each further one is
`{"id", "on": object number, "call": method, "with": [values], "drop": [object numbers]}` and is answered by
`{"id", "value"}`, `{"id", "missing": true}` for a name that this Resolve does not have, or `{"id", "error": words}`.
`"call": "dir"` lists an object's names. Values: null, true, numbers and strings as they are, `{"list": [...]}`,
`{"dict": [[key, value], ...]}` (Resolve counts with numbers as keys), `{"object": number}`. Object 0 is Resolve itself.
"""

import hmac
import json
import os
import secrets
import socket
import subprocess
import sys

LINE_BYTES = 16 * 1024 * 1024
ADDRESS, TOKEN = "MASKEDIT_RESOLVE_ADDRESS", "MASKEDIT_RESOLVE_TOKEN"
START_SECONDS = 120.0
"""How long the process that was started may take until it connects."""
NO_PROGRAM = (
    "MaskEdit is not installed where this script looks for it: install it, run `maskedit resolve install`, "
    "then choose this entry again."
)


class Lender:
    """Answers the calls of one client on the objects that it was given or has been answered with."""

    def __init__(self, resolve):
        self._objects = {0: resolve}
        self._last = 0

    def answer(self, request):
        """The answer to one call, as a dict; what goes wrong inside Resolve becomes words."""
        for number in request.get("drop", ()):
            if number:
                self._objects.pop(number, None)
        reply = {"id": request.get("id")}
        try:
            target = self._objects[request["on"]]
            name = request["call"]
            names = dir(target)
            if name == "dir":
                reply["value"] = self.packed([each for each in names if not each.startswith("_")])
            # A missing method is None, and every name seems to be there: only the list of names tells.
            elif name.startswith("_") or name not in names:
                reply["missing"] = True
            else:
                reply["value"] = self.packed(getattr(target, name)(*map(self.unpacked, request.get("with", ()))))
        except Exception as error:
            reply["error"] = f"{type(error).__name__}: {error}"
        return reply

    def packed(self, value):
        """A value as the wire writes it; objects are kept and numbered."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, dict):
            return {"dict": [[self.packed(key), self.packed(each)] for key, each in value.items()]}
        if isinstance(value, (list, tuple)):
            return {"list": [self.packed(each) for each in value]}
        self._last += 1
        self._objects[self._last] = value
        return {"object": self._last}

    def unpacked(self, value):
        """The inverse of `packed`. Raises KeyError for an object that was dropped."""
        if not isinstance(value, dict):
            return value
        if "object" in value:
            return self._objects[value["object"]]
        if "list" in value:
            return [self.unpacked(each) for each in value["list"]]
        return {self.unpacked(key): self.unpacked(each) for key, each in value["dict"]}


class Lending:
    """A loopback port on which one client that knows the `token` may borrow `resolve`."""

    def __init__(self, resolve):
        self.token = secrets.token_hex(32)
        self._lender = Lender(resolve)
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(4)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self, goes_on, seconds=START_SECONDS):
        """Answer until the client goes. False if none came within `seconds`, or `goes_on()` was false before."""
        waited = 0.0
        with self._listener:
            self._listener.settimeout(0.25)
            while waited < seconds and goes_on():
                try:
                    client, _ = self._listener.accept()
                except socket.timeout:  # noqa: UP041 (one and the same only since 3.10)
                    waited += 0.25
                    continue
                with client:
                    client.settimeout(5.0)
                    with client.makefile("rb") as lines:
                        if self._is_ours(lines):
                            client.settimeout(None)
                            self._converse(client, lines)
                            return True
        return False

    def _is_ours(self, lines):
        try:
            said = json.loads(lines.readline(4096).decode("utf-8"))
            return hmac.compare_digest(str(said["token"]).encode("utf-8"), self.token.encode("utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _converse(self, client, lines):
        try:
            for line in iter(lambda: lines.readline(LINE_BYTES + 1), b""):
                if len(line) > LINE_BYTES:
                    return
                client.sendall(
                    json.dumps(self._lender.answer(json.loads(line.decode("utf-8")))).encode("utf-8") + b"\n"
                )
        except (OSError, ValueError):
            return  # the client went, or is none of ours


def find_program(configured):
    """The command that starts MaskEdit: as `configured` at install, else from the usual places; None without one."""
    if configured and os.access(configured[0], os.X_OK):
        return list(configured)
    ending = ".exe" if os.name == "nt" else ""
    home = os.path.expanduser("~")
    folders = [*os.environ.get("PATH", "").split(os.pathsep), os.path.join(home, ".local", "bin")]
    for folder in folders:
        program = os.path.join(folder, "maskedit" + ending)
        if folder and os.access(program, os.X_OK):
            return [program]
    return None


def run(resolve, verb, configured=()):
    """Start `maskedit resolve VERB` and lend it `resolve` until it is done. Returns a sentence, "" if all went well."""
    if resolve is None:
        return "Resolve does not answer its own scripting: restart Resolve, then choose this entry again."
    program = find_program(configured)
    if program is None:
        return NO_PROGRAM
    lending = Lending(resolve)
    # Resolve's own Python must not leak into ours.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment.update({ADDRESS: lending.address, TOKEN: lending.token})
    try:
        process = subprocess.Popen([*program, "resolve", verb], env=environment, stdin=subprocess.DEVNULL)
    except OSError as error:
        return f"MaskEdit cannot be started with {program[0]}: {error.strerror}."
    if lending.serve(lambda: process.poll() is None):
        return ""
    return "MaskEdit did not open: run `maskedit doctor` in a terminal, it says what is wrong."


def main(verb, names, configured=()):
    """A menu script's only step. `names`: the script's globals, where Resolve puts its objects."""
    resolve = names.get("resolve")
    if resolve is None and "app" in names:
        resolve = names["app"].GetResolve()
    trouble = run(resolve, verb, configured)
    if trouble:
        print(trouble, file=sys.stderr)
