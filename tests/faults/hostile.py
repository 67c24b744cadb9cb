# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings that mean harm to whoever takes them for a path, a name or an id."""

from __future__ import annotations

LONGEST = 33_000
_STEPS = ("../", "..\\", "./../", "..//", "%2e%2e/", "..%2f", "..%c0%af", "．．／")
_DEVICES = "zero full null random urandom stdin stdout stderr tty ptmx mem fd/0 fd/1 fd/3 shm mqueue core"
_PROCESS = "self/environ self/mem self/fd/0 self/cwd/x self/root self/maps 1/mem kmsg"
_WINDOWS = "CON PRN AUX NUL COM1 LPT9 CONIN$"
_SCHEMES = "http https ftp concat subfile crypto cache data pipe tcp udp rtmp async file lavfi tee md5 glob ssh"
_FORMATS = "%s %d %n %04d %99d %0999999999d %%d %d%d {0} {0.__class__} ${HOME} $(id) `id` ;id &id| %(x)s {} {{}} %00"
_CODES = "00 0a 0d 09 07 1b 7f 85 a0 202e 200b 2028 feff fffd fffe 1f4a5 e9 301 df 130 17f 4f60"
_HOSTS = ("server", "127.0.0.1", "?", ".", "?\\UNC")
_WORDS = (
    *(
        "/sys/kernel/notes",
        "/",
        "//",
        ".",
        "..",
        "~",
        "~root/x",
        "~nobody-here",
        "~/.ssh/id_rsa",
        "-",
        "--help",
        "|cat",
    ),
    *("'; DROP TABLE jobs; --", '" OR 1=1', "<script>x</script>", "[[", "{", '"', "nan", "-1", "0", "1e999", "null"),
    *("0" * 64, "f" * 64, "F" * 64, "0" * 63, "0" * 65, "g" * 64, "0" * 32, "../" + "0" * 61, "0" * 64 + "\n"),
)


def hostile_strings(*, outside: str = "/etc/passwd", inside: str = "/tmp") -> list[str]:
    """More than 300 different ones. `outside`: a file that nobody may reach; `inside`: a folder that is allowed."""
    file = outside.lstrip("/")
    climbs = [step * depth for step in _STEPS for depth in (1, 3, 12)]
    marks = [chr(int(code, 16)) for code in _CODES.split()]
    return list(
        dict.fromkeys(
            (
                *_WORDS,
                *(f"{climb}{file}" for climb in climbs),
                *(f"{inside}/{climb}{file}" for climb in climbs),
                *(f"{inside}/{climb}{file}.%04d.png" for climb in climbs),
                *(
                    outside,
                    f"/{outside}",
                    f"//{file}",
                    f"/.{outside}",
                    f"{outside}/",
                    f"{outside}/.",
                    f"{outside}\0.mov",
                ),
                *(f"/dev/{device}" for device in _DEVICES.split()),
                *(f"/proc/{name}" for name in _PROCESS.split()),
                *(f"\\\\{host}\\{rest}" for host in _HOSTS for rest in ("c$\\x", "pipe\\x", "share\\clip.mov")),
                *(f"{letter}:{rest}" for letter in "CZ" for rest in ("\\x", "/x", "x", "", ":$DATA")),
                *(f"{name}{end}" for name in _WINDOWS.split() for end in ("", ".png", ":x")),
                *(f"{name}:{rest}" for name in _SCHEMES.split() for rest in ("//127.0.0.1:9/x", outside, "")),
                *(mark + name for mark in marks for name in ("", "clip.mov", outside)),
                *(f"{inside}/clip{mark}.mov" for mark in marks),
                *(f"{inside}/{mark}/../{outside}" for mark in marks),
                *(f"{before}{form}" for form in _FORMATS.split() for before in ("", "clip.", f"{inside}/clip.")),
                *(letter * length for letter in "a/.é%\\" for length in (255, 256, 4096, LONGEST)),
            )
        )
    )
