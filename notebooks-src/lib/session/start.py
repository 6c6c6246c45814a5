"""Right place? Names the platform, and says so in one line when a variant was opened on another one."""

import os
from pathlib import Path

from labkit import clock, here

from session import report


def begin(variant: str, version: str, siblings: tuple = ()) -> None:
    """Say which variant runs where, and whether it is the right one for this machine.

    `siblings` are the other platforms' marks: (name, environment variable, folder, link), the most telling first.
    """
    report.begin(variant, version)
    mode = "batch" if here.is_batch() else "interactive"
    print(f"{variant} {version} · {here.NAME} · {mode}\nSession: {clock.describe()}")
    notice = wrong_place(siblings)
    if notice:
        print(notice)


def wrong_place(siblings: tuple = ()) -> str:
    """One sentence with the right link when this variant is not made for this machine, else ''."""
    if here.am_i_here():
        return ""
    root = os.environ.get("ANYLAB_STANDIN", "")  # tests put the platforms' folders below a folder of theirs
    for name, variable, folder, link in siblings:
        if (variable and os.environ.get(variable)) or (folder and Path(root + folder).is_dir()):
            return f"This is the variant for {here.NAME}, but this machine is {name}. The right one: {link}"
    return here.ELSEWHERE
