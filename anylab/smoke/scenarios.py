"""What goes wrong on a platform, played through the setup cells of a compiled variant.

A scenario is data: `scenarios.toml` beside this module for what can happen anywhere, and a platform's own in
`platforms/<id>/standin/scenarios.toml`. It ends in one clear sentence without a traceback, or goes on as documented.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anylab import text
from anylab.built import Build
from anylab.errors import Origin, did_you_mean, refuse
from anylab.pairs import Pair
from anylab.platforms import Platform
from anylab.smoke import hub, overlay, runner, standin, users
from anylab.tomls import read_toml

HERE = Path(__file__).parent
WORKS = "works"  # a hub without a fault
_CARD = """
import torch
torch.cuda.is_available = lambda: True
torch.cuda.get_arch_list = lambda: ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
torch.cuda.reset_peak_memory_stats = torch.cuda.synchronize = lambda *a: None
"""


@dataclass(frozen=True)
class Scenario:
    """One scenario, see scenarios.toml for its fields."""

    name: str
    origin: Origin
    what: str
    ends: str
    expect: tuple[str, ...]
    never: tuple[str, ...] = ()
    when: Mapping[str, list] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    internet: bool = False
    gpu: str = ""
    prelude: str = ""
    after: str = ""
    twice: bool = False
    served: str = ""

    def applies(self, pair: Pair) -> bool:
        """Whether the notebook's needs are those that this scenario is about."""
        if self.served and not users.loads_models(pair):
            return False
        needs = pair.source.needs
        return all(needs.get(k) in allowed or ("any" in allowed and needs.get(k)) for k, allowed in self.when.items())


def of(platform: Platform) -> dict[str, Scenario]:
    """The scenarios of a platform, those of any platform first. Raises Refused for one that is not written right."""
    found = _read(HERE / "scenarios.toml", "anylab/smoke/scenarios.toml")
    own = platform.folder / "standin" / "scenarios.toml"
    if own.is_file():
        found |= _read(own, f"{platform.file.rpartition('/')[0]}/standin/scenarios.toml")
    return found


def check_name(name: str, platforms: list[Platform]) -> None:
    """Raise Refused for a scenario that no platform has."""
    known = {known for platform in platforms for known in of(platform)}
    if name not in known:
        raise refuse(Origin("--scenario"), f"unknown scenario '{name}'{did_you_mean(name, known)}")


def play(compiled: Build, pair: Pair, scenario: Scenario, root: Path, cache: Path | None = None) -> str:
    """Run a variant up to its setup cell under a scenario, or all of it where a hub has a part in it; '' when it ended
    as it should, else what was wrong."""
    if scenario.served:
        fault = "" if scenario.served == WORKS else scenario.served
        verdict = users.run(compiled, pair, root, cache or root, fault, scenario.prelude)
        return _judge(scenario, pair.platform, verdict, compiled)
    notebook = json.loads(dict(compiled.variant_files(pair))[pair.path])
    setup = next(i for i, c in enumerate(notebook["cells"]) if "start.begin(" in "".join(c["source"]))
    cells = notebook["cells"][: setup + 1]
    cells += [cells[setup]] if scenario.twice else []
    prelude = (users.ONLINE if scenario.internet else "") + (_CARD if scenario.gpu else "") + scenario.prelude
    notebook["cells"] = [
        *([users.cell(prelude)] if prelude else []),
        *cells,
        *([users.cell(scenario.after)] if scenario.after else []),
    ]
    root.mkdir(parents=True, exist_ok=True)
    there = standin.prepare(pair.platform, root, cache, overlay.site(compiled, pair))
    env = {**there.env, **scenario.env}
    if scenario.gpu:
        env["PATH"] = f"{users.driver(root, scenario.gpu)}:{env['PATH']}"
    verdict = runner.execute(json.dumps(notebook).encode(), dict(scenario.settings), there.cwd, env)
    return _judge(scenario, pair.platform, verdict, compiled)


def _judge(scenario: Scenario, platform: Platform, verdict: runner.Verdict, compiled: Build) -> str:
    outputs = [o for c in verdict.notebook["cells"] for o in c.get("outputs", ())]
    errors = [o for o in outputs if o["output_type"] == "error"]
    printed = "".join("".join(o.get("text", "")) for o in outputs)  # one line may come in several outputs
    said = printed + "\n" + "\n".join(o["evalue"] for o in errors)
    if scenario.ends == "goes on" and verdict.fault:
        return f"should go on, and ended: {verdict.fault}"
    if scenario.ends == "stops" and not errors:
        return "should stop with a sentence, and went on"
    if any(o["ename"] != "Stop" or len(o["traceback"]) > 1 for o in errors):
        return f"shows a traceback: {errors[0]['ename']}: {errors[0]['evalue']}"
    words = _words(platform, compiled)
    for pattern in scenario.expect:
        if not re.search(_filled(pattern, words), said):
            return f"does not say '{pattern}': {said[-600:]}"
    return next((f"says '{p}'" for p in scenario.never if re.search(_filled(p, words), said)), "")


def _words(platform: Platform, compiled: Build) -> dict[str, str]:
    """The adapter's constants that are text: the clicks, in the platform's words."""
    import ast

    content = platform.overlays.get("labkit.here") or (compiled.shared.modules["labkit.here"].text, "")
    assigned = (node for node in ast.parse(content[0]).body if isinstance(node, ast.Assign))
    return {n.targets[0].id: n.value.value for n in assigned
            if isinstance(n.value, ast.Constant) and isinstance(n.value.value, str)}  # fmt: skip


def _filled(pattern: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{([A-Z_]+)\}", lambda found: re.escape(words[found[1]]), pattern)


def _read(path: Path, file: str) -> dict[str, Scenario]:
    data, lines = read_toml(text.read(path, file), file)
    found = {}
    known = set(Scenario.__dataclass_fields__) - {"name", "origin"}
    for name, fields in data.items():
        at = Origin(file, lines[name,])
        for key in fields:
            if key not in known:
                raise refuse(
                    Origin(file, lines.get((name, key), at.line)), f"unknown key '{key}'{did_you_mean(key, known)}"
                )
        if not {"what", "ends", "expect"} <= set(fields) or fields["ends"] not in ("goes on", "stops"):
            raise refuse(at, f'the scenario \'{name}\' needs what, expect, and ends = "goes on" or "stops"')
        if fields.get("served", WORKS) not in (WORKS, *hub.FAULTS):
            raise refuse(at, f"a hub's fault is one of {', '.join(hub.FAULTS)}, or {WORKS}; not '{fields['served']}'")
        lists = {key: tuple(fields[key]) for key in ("expect", "never") if key in fields}
        found[name] = Scenario(name, at, **{**fields, **lists})
    return found
