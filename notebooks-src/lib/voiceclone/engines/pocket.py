"""Pocket TTS (Kyutai): 110 million parameters, made for a processor without a card.

The weights that clone are gated. Asked for by its own loader and refused, they are silently replaced by weights that
cannot clone; here they come through `session.weights`, which says what the gate wants, and the configuration names no
replacement. Importing the package sets torch to one thread for the whole process, which is undone.
"""

import logging
from pathlib import Path

import numpy
from labkit import Stop
from media import shims

from voiceclone.engines import How
from voiceclone.registry import UNVERIFIED, About, Repo

ABOUT = About(
    name="pocket",
    title="Pocket TTS",
    package="pocket-tts",
    code_licence="MIT",
    weight_licence="CC-BY-4.0 with a list of prohibited uses",
    sell="yes, naming Kyutai",
    gated=True,
    terms="cloning without explicit and lawful consent, impersonation, deception",
    languages=("en", "fr", "de", "pt", "it", "es", "nl"),
    gpu_gb=1.0,  # estimate; a card does not make it faster (published)
    ram_gb=2.0,  # 1.2 GB measured
    rate=24000,
    reference=(3.0, 30.0),
    wants_transcript=False,
    rtf=(0.51, "two CPU cores, two threads", "measured with random weights of its real size, 2026-11-20"),
    checked="2026-11-20",
)
NAMES = {"en": "english", "fr": "french", "de": "german", "pt": "portuguese", "it": "italian", "es": "spanish"}
NAMES["nl"] = "dutch"


def _config(language: str) -> dict:
    """The package's own configuration of a language."""
    from importlib.util import find_spec

    import yaml

    found = find_spec("pocket_tts")
    if found is None or not found.origin:
        raise Stop("the package pocket-tts is not installed; run the setup cell again")
    path = Path(found.origin).parent / "config" / f"{NAMES.get(language, 'english')}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _place(address: str) -> tuple[str, str, str]:
    """(repository, file, revision) of hf://owner/name/folder/file@commit: the package pins its weights by commit."""
    path, _, commit = address.removeprefix("hf://").partition("@")
    owner, name, file = path.split("/", 2)
    return f"{owner}/{name}", file, commit or UNVERIFIED


def repos(language: str) -> list[Repo]:
    """The gated weights of a language, and its tokenizer from the repository that is open, at the package's commits."""
    config = _config(language)
    found = []
    for address, gb in ((config["weights_path"], 0.5), (config["flow_lm"]["lookup_table"]["tokenizer_path"], 0.001)):
        repo, file, commit = _place(address)
        found.append(Repo(repo, (file, f"{file.rpartition('/')[0]}/config.yaml"), gb, commit))
    return found


def files(language: str) -> tuple[str, str]:
    """Where the two repositories have a language's weights and its tokenizer."""
    config = _config(language)
    return _place(config["weights_path"])[1], _place(config["flow_lm"]["lookup_table"]["tokenizer_path"])[1]


def load(folders: list[Path], language: str, device: str, work: Path) -> "Pocket":
    """On the processor, where it is fastest; `device` is not used."""
    import yaml

    config, (weights, tokenizer) = _config(language), files(language)
    beside = (folders[0] / weights).parent / "config.yaml"  # weights of other sizes bring their configuration along
    if beside.is_file():
        config = yaml.safe_load(beside.read_text(encoding="utf-8"))
    config |= {"weights_path": str(folders[0] / weights), "weights_path_without_voice_cloning": None}
    config["flow_lm"]["lookup_table"]["tokenizer_path"] = str(folders[1] / tokenizer)
    work.mkdir(parents=True, exist_ok=True)
    (work / "pocket.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with shims.threads_kept(), shims.quiet():
        from pocket_tts import TTSModel

        model = TTSModel.load_model(config=work / "pocket.yaml")
    logging.getLogger("pocket_tts").setLevel(logging.ERROR)
    if not model.has_voice_cloning:
        raise Stop(
            "Pocket TTS came without the weights that clone: accept its terms at huggingface.co/kyutai/pocket-tts"
        )
    return Pocket(model)


class Pocket:
    """A loaded Pocket TTS."""

    def __init__(self, model):
        self.model, self.dtype, self.rate = model, "float32", int(model.sample_rate)
        self.steps = model.sampler_decode_steps  # its own

    def voice(self, reference: Path, transcript: str) -> dict:
        with shims.quiet():
            return self.model.get_state_for_audio_prompt(str(reference), truncate=True)

    def say(self, text: str, voice: dict, how: How) -> numpy.ndarray:
        import torch

        torch.manual_seed(how.seed)
        self.model.sampler_decode_steps = how.steps or self.steps
        sound = self.model.generate_audio(voice, text)  # copies the state, so that it serves again
        return sound.numpy().astype(numpy.float32).reshape(-1)
