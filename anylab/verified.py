"""Run reports that people sent in: verified/*.toml -> the newest per notebook and platform, or what is wrong."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from anylab import schema, text
from anylab.errors import Origin, Problem, Refused, did_you_mean
from anylab.project import Project
from anylab.tomls import read_toml


def read(
    project: Project, problems: list[Problem], known: Mapping[str, set[str]]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The newest run report per (notebook, platform) from verified/*.toml of the project.

    `known` holds the names of "notebook" and "platform". A report is a stranger's text: what Markdown would read as
    markup is taken out.
    """
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    folder = project.root / "verified"
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
        file = f"verified/{path.name}"
        try:
            report, lines = read_toml(text.read(path, file), file)
        except Refused as refused:
            problems += refused.problems
            continue
        faults = schema.check(report, "verified", file, lines, "the run report") or _faults(report, file, lines, known)
        problems += faults
        key = (report.get("notebook", ""), report.get("platform", ""))
        if not faults and report["date"] >= newest.get(key, {"date": ""})["date"]:
            gpu = report.get("gpu", "unknown hardware")
            shown = {
                "gpu": "a CPU" if gpu == "none" else gpu,
                "verdict": report["verdict"],
                "version": report["version"],
            }
            newest[key] = report | {k: re.sub(r"[|<>\[\]`]", " ", v) for k, v in shown.items()}
    return newest


def _faults(report: Mapping[str, Any], file: str, lines: Mapping, known: Mapping[str, set[str]]) -> list[Problem]:
    faults = []
    try:
        datetime.date.fromisoformat(report["date"])
    except ValueError:
        faults.append(Problem(Origin(file, lines.get(("date",), 1)), f"'{report['date']}' is no date"))
    for key, names in known.items():
        if report[key] not in names:
            what = f"no such {key} '{report[key]}'{did_you_mean(report[key], names)}"
            faults.append(Problem(Origin(file, lines.get((key,), 1)), what))
    return faults
