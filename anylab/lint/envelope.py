"""A notebook file holds no leftovers of a run, and nothing that a reader of its format refuses.

Outputs and execution counts hide what changed; `metadata.widgets` without a state makes GitHub say "Invalid Notebook"
(colabtools#5255, #5288), and neither nbformat nor nbconvert notice; cell ids are invalid below nbformat 4.5
(Arize-ai/tutorials#56). What a build writes has none of this; an `.ipynb` source of ours must not have it either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anylab.errors import Origin, Problem
from anylab.lint import Collection, Document, rule
from anylab.platforms import Platform


@rule("envelope/outputs", on="document", foreign="warning")
def no_outputs(document: Document, around: Collection) -> Iterable[Problem]:
    for where, cell in document.cells():
        if cell.get("outputs"):
            yield Problem(where, "holds the outputs of a run; clear them (a build leaves them out)")


@rule("envelope/execution-counts", on="document", foreign="warning")
def no_execution_counts(document: Document, around: Collection) -> Iterable[Problem]:
    for where, cell in document.cells():
        if cell.get("execution_count") is not None and not cell.get("outputs"):
            yield Problem(where, "holds the execution count of a run; clear all outputs (a build leaves it out)")


@rule("envelope/widgets", on="document", foreign="warning")
def no_widget_state(document: Document, around: Collection) -> Iterable[Problem]:
    metadata = document.data.get("metadata")
    if isinstance(metadata, Mapping) and "widgets" in metadata:
        what = "metadata.widgets makes GitHub show 'Invalid Notebook'; remove it (a build leaves it out)"
        yield Problem(Origin(document.file, 1), what)


@rule("envelope/cell-ids", on="document", foreign="warning")
def no_cell_ids_below_4_5(document: Document, around: Collection) -> Iterable[Problem]:
    minor = document.data.get("nbformat_minor")
    if document.data.get("nbformat") != 4 or not isinstance(minor, int) or minor >= 5:
        return
    for where, cell in document.cells():
        if "id" in cell:
            what = f"has an id, which nbformat 4.{minor} does not know; remove it or save the file as 4.5"
            yield Problem(where, what)
            return  # one line a file: they all have one


@rule("envelope/profile", on="platform")
def no_profile_writes_widgets(platform: Platform, around: Collection) -> Iterable[Problem]:
    """The one way by which a build could write widget state: a table of a platform's profile."""
    for part in ("gpu", "cpu", "offline"):
        if "widgets" in platform.profile.get("notebook", {}).get(part, {}):
            yield Problem(platform.at("notebook", part), "'widgets' breaks notebooks on GitHub; remove it")
