# ---
# jupyter:
#   anylab:
#     title: Voice cloning, marked and with consent
#     summary: >-
#       A few seconds of a voice that you may use, and a text of any length, become clean speech in that voice on a free
#       GPU; with numbers that show how close it is, and an inaudible mark that says a machine made it.
#     result: speech as wav (48 kHz) and mp3, a record of how it was made, pictures, and on wish the voice for next time
#     picture: assets/voice_cloning.png
#     picture_alt: >-
#       The sample voice that the notebook carries, as a waveform with the part that is cloned between two lines, and
#       below it the way from a text to a marked file.
#     jinja: true
#     leaves: nothing; models come from the Hugging Face Hub, recordings and texts stay here
#     needs:
#       gpu: optional
#       gpu_memory_gb: 11
#       compute_capability: 7.0
#       disk_gb: 8
#       ram_gb: 6
#       internet: weights
#       minutes: {T4 (estimate): 10, CPU (estimate): 15}
#     models:
#       - id: openbmb/VoxCPM2
#         gb: 5.0
#         licence: Apache-2.0
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: "voiceclone.tiny:twin"
#       - id: ResembleAI/chatterbox-turbo
#         gb: 3.0
#         licence: MIT
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: "voiceclone.tiny:twin"
#       - id: ResembleAI/chatterbox
#         gb: 3.5
#         licence: MIT
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: "voiceclone.tiny:twin"
#       - id: kyutai/pocket-tts
#         gb: 0.5
#         licence: CC-BY-4.0 with prohibited uses
#         sell: yes, naming Kyutai
#         gated: true
#         revision: db04f0e653473e5c7333c69686ac92b7460b0c1d
#         revision_source: config/english.yaml of the package pocket-tts 4.0.1
#         tiny: "voiceclone.tiny:twin"
#       - id: kyutai/pocket-tts-without-voice-cloning
#         gb: 0.001
#         licence: CC-BY-4.0
#         sell: yes, naming Kyutai; only its tokenizer is taken
#         gated: false
#         revision: 00eac05ed3d16bdc3f6b5d598874019c34a89214
#         revision_source: config/english.yaml of the package pocket-tts 4.0.1 (only the tokenizer is taken)
#         tiny: "voiceclone.tiny:twin"
#       - id: openai/whisper-base
#         gb: 0.3
#         licence: Apache-2.0
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: "voiceclone.tiny:twin"
#     smallest: {ENGINE: voxcpm2, TEXT: "A small test. It has two sentences, this one is the longer one.", STEPS: 2}
#     produces:
#       - {file: speech.wav, is: audio, seconds: 2}
#       - {file: speech.mp3, is: audio, seconds: 2}
#       - {file: "*.png", is: picture}
#       - {file: measures.json, is: table}
#     packages:
#       - torch>=2.5
#       - transformers>=5.0
#       - huggingface_hub>=1.0
#       - safetensors>=0.5
#       - tokenizers>=0.20
#       - sentencepiece>=0.2.1
#       - diffusers>=0.37
#       - omegaconf>=2.3
#       - einops>=0.8
#       - librosa>=0.11
#       - soundfile>=0.13
#       - soxr>=0.5
#       - scipy>=1.11
#       - pydantic>=2
#       - pyyaml>=6
#       - requests>=2.31
#       - imageio-ffmpeg>=0.5
#       - jiwer>=4.0
#       - pyloudnorm>=0.1.1
#       - webrtcvad-wheels>=2.0.14
#       - numpy>=1.26
#       - matplotlib>=3.8
#       - tqdm>=4.60
#     no_deps:
#       - voxcpm==2.0.3
#       - pocket-tts==4.0.1
#       - chatterbox-tts==0.1.7
#       - s3tokenizer>=0.2
#       - conformer>=0.3.2
#       - resemble-perth>=1.0.1
#       - resemblyzer>=0.1.4
#       - num2words>=0.5.14
#     embeds: [voiceclone]
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown] slot="title"
# # Voice cloning, marked and with consent

# %% tags=["parameters"]
# @markdown **The run.** A quick test takes a minute on any machine and downloads nothing: does everything work here?
QUICK_TEST = False  # @param {type:"boolean"}
# @markdown **What is to be said.** Lines like `Anna: Hello.` make it a script with speakers
TEXT = "Hello! A machine made this voice from a few seconds of another. It reads 42, too."  # @param {type:"string"}
# @markdown Or a file, `upload`: .txt, .srt or .vtt (at its times), .csv (a row each; text, name, speaker, seed, speed)
TEXT_FILE = ""  # @param {type:"string"}
# @markdown Two letters: en, de, fr, es, it, pt, nl, zh, ja, ...
LANGUAGE = "en"  # @param {type:"string"}
# @markdown **Whose voice.** `sample` is synthetic and needs no consent; or a file, `upload`, `record`, `kept:NAME`
VOICE = "sample"  # @param {type:"string"}
# @markdown Any other: whose is it, why may it be used? Several: `VOICE = Ada Smith; Ben = B. J. (allowed in writing)`
WHOSE_VOICE = ""  # @param {type:"string"}
MAY_BE_USED = "not stated"  # @param ["not stated", "my own voice", "allowed in writing", "free or synthetic"]
# @markdown Optional: `ask` shows a sentence to be said aloud; then that recording: its path, `upload` or `record`
SPOKEN_CONSENT = ""  # @param {type:"string"}
# @markdown What is said in the recording (closer, with VoxCPM2): your words, `auto` to have them recognised, or empty
TRANSCRIPT = ""  # @param {type:"string"}
# @markdown For scripts: `Anna = anna.wav; Ben = kept:ben`
SPEAKERS = ""  # @param {type:"string"}
# @markdown A name under which the voice is kept with the results, for `kept:NAME`; speakers keep their own names
KEEP_AS = ""  # @param {type:"string"}
# @markdown **How.** auto: by the card and the language
ENGINE = "auto"  # @param ["auto", "voxcpm2", "chatterbox", "pocket"]
# @markdown Takes of each sentence; the best is used, the others are kept to compare
TAKES = 1  # @param {type:"slider", min:1, max:8, step:1}
SEED = 0  # @param {type:"integer"}
# @markdown Steps and guidance: 0 is the engine's own
STEPS = 0  # @param {type:"integer"}
GUIDANCE = 0.0  # @param {type:"number"}
SPEED = 1.0  # @param {type:"slider", min:0.5, max:2.0, step:0.05}
# @markdown Have each sentence recognised (0.3 GB more), and unclear ones said again
CHECK_WORDS = True  # @param {type:"boolean"}
# @markdown **Marks.** An inaudible watermark is in every result
WATERMARK = "on"  # @param ["on", "off: I say myself, wherever I use it, that a machine made it"]
# @markdown Sign the wav (C2PA; needs the package c2pa-python)
SIGN = False  # @param {type:"boolean"}
# @markdown Stop and save after so many minutes; 0 means shortly before the session ends
STOP_AFTER = 0.0  # @param {type:"number"}

# %% slot="bootstrap"
import sys
from pathlib import Path

here = Path(globals().get("__file__", "notebook")).resolve().parent
sys.path[:0] = [str(here / "lib"), str(here / "notebooks-src" / "lib")]

# %% slot="setup"
from labkit import storage

folders = storage.prepare("voice_cloning")

# %% [markdown]
# ## 1 · Whose voice, and may it be used?
# A voice is a person's. Before anything is downloaded, this notebook wants to know whose it is and why it may be used;
# the synthetic one that it carries is nobody's, so **Run all** needs no answer. Impersonation, fraud and deceit are
# forbidden by the publishers of every engine here, and in many places by law.

# %% Consent, engine, licence
import shutil

from labkit import here as platform
from media import own, provenance
from voiceclone import consent, intake, registry, script, spoken, studio, takes, text, voices

place = folders.outputs / "quick-test" if QUICK_TEST else folders.outputs
if QUICK_TEST:  # kept apart from real results, and made anew: a test that finds everything done tests nothing
    shutil.rmtree(place, ignore_errors=True)
place.mkdir(exist_ok=True)
mine = folders._replace(outputs=place)
own.told(mine.work)

spoken_in = text.language(LANGUAGE)
text.number(STOP_AFTER, "STOP_AFTER", 0, 100_000)
keep_as = voices.kept_as(KEEP_AS, QUICK_TEST)
aloud = spoken.possible(SPOKEN_CONSENT, QUICK_TEST)
said = voices.transcript_told(TRANSCRIPT, QUICK_TEST)
provenance.wanted(SIGN)
speakers = intake.speakers(SPEAKERS)
lines = script.lines(TEXT, intake.text(TEXT_FILE, mine), speakers)
wishes = intake.wishes(VOICE, speakers, lines)
others = [name for name, wish in wishes.items() if not intake.is_ours(wish) and not intake.is_kept(wish)]
agreed = consent.each(others, WHOSE_VOICE, MAY_BE_USED)
labels = voices.labels(wishes, keep_as)
prompts = {n: voices.load(folders.outputs, intake.is_kept(w)) for n, w in wishes.items() if intake.is_kept(w)}
about = studio.choose("voxcpm2" if QUICK_TEST and ENGINE == "auto" else ENGINE, spoken_in)
items, changes, remarks = script.items(lines, spoken_in, SPEED, SEED)
settings = takes.Settings(TAKES, 4 if QUICK_TEST and not STEPS else STEPS, GUIDANCE, WATERMARK)
for name in wishes:
    agreed[name] = prompts[name].consent if name in prompts else agreed.get(name) or consent.ask(False, "", "")
    print(f"{name or 'The voice'}: {agreed[name].whose} ({agreed[name].ground})")
print(registry.describe(about, spoken_in))
print(platform.CLONING)

# %% [markdown]
# ## 2 · Is the recording good enough?
# Length, noise, clipping, silence and the number of voices are measured, and the best part (up to 15 seconds) is taken.
# Ten clean seconds of one person who talks as the result should sound are better than a minute from a telephone.

# %% Measure the recording, take its best part
from labkit import progress
from media import player
from session import report
from voiceclone import plots, reference

with report.stage("reference"):
    recorded = [name for name in wishes if name not in prompts]
    found = {name: reference.prepare(intake.find(wishes[name], mine), *about.reference) for name in recorded}
for name, one in found.items():
    who, q = name or "the voice", one.quality
    print(f"{who}: {q.seconds:.1f} s at {q.rate / 1000:g} kHz; {one.end - one.begin:.1f} s of it are taken")
    for remark in one.remarks:
        print(f"  but {remark}")
    progress.show(
        plots.reference(one),
        place / f"reference-{labels[name]}.png",
        f"{who}, the part that is taken marked",
    )

# %% Transcript, spoken consent, voices
if aloud:  # whether it is there is known without a download
    spoken.asked(aloud, agreed.get(""), found.get(""), mine, spoken_in)
    aloud = str(intake.find(aloud, mine))
voices.unused(said, keep_as, found)
for name, one in found.items() if keep_as else ():
    voices.free(place, labels[name], one.source, agreed[name])
listener = studio.listener(mine) if not QUICK_TEST and (CHECK_WORDS or said == "auto" or aloud) else None
if aloud:
    agreed[""] = spoken.aloud(aloud, agreed.get(""), found.get(""), listener, mine, spoken_in)
for name, one in found.items():
    known = said if name == "" else ""
    words = voices.transcript(known, one, listener, spoken_in)
    keep = voices.save if keep_as else voices.held  # not kept: for this session alone
    prompts[name] = keep(place if keep_as else mine.work, labels[name], one, words, agreed[name])
    if words:
        print(f"{name or 'the voice'} says: {words}")
player.show([(f"what is cloned: {name or 'the voice'}", prompt.wav) for name, prompt in prompts.items()])

# %% [markdown]
# ## 3 · The text, as it will be spoken
# Numbers, dates, units and abbreviations become words, and the text is cut into pieces of at most 200 characters, at
# the ends of sentences. What is wrong here, mend in `TEXT`.

# %% Preview
print(script.preview(items, changes, remarks))

# %% [markdown]
# ## 4 · Speak
# The engine is loaded, hears the reference once, and speaks one piece after the other. A piece that goes wrong is tried
# once more and reported; the rest goes on. The stop button, the clock or a disconnect cost at most the piece in work.

# %%
from labkit import clock
from voiceclone import batch, finished, output, sound

with report.stage("load the engine"):
    loaded = studio.load(about, spoken_in, mine, QUICK_TEST)
with report.stage("hear the voice"):
    ready = batch.ready(loaded.engine, prompts)
clock.budget(STOP_AFTER)
booth = takes.Booth(loaded.engine, ready, settings, listener)
facts = {**loaded.facts(), "language": spoken_in, "takes": TAKES, "steps": STEPS, "guidance": GUIDANCE, "seed": SEED}
begun = output.drafts(mine, facts, WATERMARK)
with report.stage("speak"):
    run = batch.run(items, booth, mine, loaded.facts(), begun)

# %% [markdown]
# ## 5 · Listen
# The pieces are joined (150 ms apart, without clicks), set to one loudness, and written with tags that say what they
# are. The mark is read back from the files.

# %%
results = []
clock.budget(0)  # STOP_AFTER is for speaking
consents = {who: prompt.consent for who, prompt in prompts.items()}
with report.stage("write"):
    for result, notes in finished.written(items, run, mine, facts, consents, WATERMARK, SIGN, begun):
        results.append(result)
        print(f"{result.wav.name}: {result.seconds:.1f} s" + (f", signature: {result.signed}" if SIGN else ""))
        for note in [*notes, *result.notes]:
            print(f"  {note}")
if not results:
    print("No recording is finished yet. Run all goes on from here.")
player.show(
    [("what was cloned", next(iter(prompts.values())).wav)] + [(result.name, result.mp3) for result in results[:6]]
)

# %% Other takes of the first piece, to compare collapse=true
compare = batch.takes_of(run, mine)
if len(compare) > 1:
    player.show(compare)

# %% [markdown]
# ## 6 · How close is it?
# *Real-time factor* is work per second of speech: below 1 it is faster than listening. *Similarity* compares the voice
# with the recording, from -1 to 1; two recordings of one person reach about 0.85, two different people about 0.6.
# *Word errors* count what a recogniser heard wrong. Your ears decide.

# %%
numbers = batch.summary(run, results)
if results:
    print(batch.told(numbers, listener is not None))
    if slow := registry.advice(about, numbers["real_time_factor"], spoken_in):
        print(slow)
    progress.show(
        plots.result(sound.from_file(results[0].wav), f"{results[0].name}: {loaded.about.title}"),
        place / "speech.png",
        "waveform and spectrogram of the result",
    )
    progress.show(plots.pieces(run.records), place / "pieces.png", "similarity of each piece to the reference")
storage.write_json(place / "measures.json", numbers)
if QUICK_TEST:
    print(f"This was the quick test: {batch.tested(numbers)}.")
made_of = f"{numbers['done']} of {numbers['asked']} pieces, {numbers['seconds']:.0f} s of speech"
VERDICT = f"{made_of}, {about.title} in {loaded.engine.dtype}"

# %% [markdown]
# ### What this is, and what it is not
# The engines are [VoxCPM2](https://huggingface.co/openbmb/VoxCPM2),
# [Chatterbox](https://huggingface.co/ResembleAI/chatterbox) and
# [Pocket TTS](https://huggingface.co/kyutai/pocket-tts), run by their own packages; the mark is
# [Perth](https://github.com/resemble-ai/Perth). A mark can be removed by somebody who tries, and tags are lost when a
# file is converted: say yourself that a machine speaks. In the European Union that is a duty since August 2026, by
# commentaries on the AI Act (Article 50) that we read; this is no legal advice. The wav serves the video and lip-sync
# notebooks as it is. A voice is kept only where `KEEP_AS` says so, in `voices/` among the files below: delete that
# folder when you are done.

# %% slot="finish"
report.files(folders)
report.show(VERDICT, folders)
