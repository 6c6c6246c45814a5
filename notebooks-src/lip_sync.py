# ---
# jupyter:
#   anylab:
#     title: Lip sync, labelled and with consent
#     summary: >-
#       A face, in a video or a photo, and a speech become a video whose mouth follows the speech, on a free GPU:
#       MuseTalk 1.5 made anew on diffusers alone, nothing to compile, and each ten seconds are safe on the disk.
#     result: an mp4 with a visible label and a marked voice, a comparison, a record of how it was made, a sync score
#     picture: assets/lip_sync.png
#     picture_alt: >-
#       The drawn face that the notebook carries, with its crop and the part that is painted; the same with that part
#       hidden, as the model sees it; and the loudness of the speech, with a line that falls in its pauses.
#     jinja: true
#     leaves: nothing; models come from the Hugging Face Hub (and Google, for MediaPipe's), faces and voices stay here
#     needs:
#       gpu: optional
#       gpu_memory_gb: 4
#       compute_capability: 6.0
#       disk_gb: 8
#       ram_gb: 8
#       internet: weights
#       minutes: {T4 (estimate): 6, CPU (2 seconds of film; estimate): 30}
#     models:
#       - id: TMElyralab/MuseTalk
#         gb: 3.4
#         licence: MIT, and OpenRAIL's limits of use
#         sell: yes, within these limits
#         gated: false
#         revision: unverified
#         tiny: lipsync.tiny:twin
#       - id: stabilityai/sd-vae-ft-mse
#         gb: 0.34
#         licence: MIT
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: lipsync.tiny:twin
#       - id: openai/whisper-tiny
#         gb: 0.15
#         licence: Apache-2.0
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: lipsync.tiny:twin
#       - id: madebyollin/taesd
#         gb: 0.01
#         licence: MIT
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: lipsync.tiny:twin
#       - id: opencv/face_detection_yunet
#         gb: 0.001
#         licence: MIT
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: lipsync.tiny:twin
#       - id: ByteDance/LatentSync-1.5
#         gb: 0.055
#         licence: OpenRAIL++; SyncNet, the one file that is taken, MIT
#         sell: only measures, nothing of it is in the result
#         gated: false
#         revision: unverified
#         tiny: lipsync.tiny:twin
#     smallest: {SECONDS: 1, FIND: yunet}
#     produces:
#       - {file: film.mp4, is: video, frames: 25, sound: true, seconds: 0.9}
#       - {file: "*.png", is: picture}
#       - {file: films.json, is: table}
#     packages:
#       - torch>=2.5
#       - diffusers>=0.37
#       - transformers>=5.0
#       - accelerate>=1.2
#       - huggingface_hub>=1.0
#       - safetensors>=0.4
#       - av>=18,<19
#       - opencv-python-headless>=4.9
#       - scipy>=1.11
#       - soxr>=0.5
#       - librosa>=0.11
#       - numpy>=1.26
#       - pillow>=10.1
#       - matplotlib>=3.8
#       - tqdm>=4.60
#       - absl-py>=2.3
#       - flatbuffers>=25.9
#     no_deps:
#       - mediapipe==1.2.3
#       - resemble-perth>=1.0.1
#     embeds: [lipsync]
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown] slot="title"
# # Lip sync, labelled and with consent

# %% tags=["parameters"]
# @markdown **The run.** A quick test takes a minute on any machine and downloads nothing: does everything work here?
QUICK_TEST = False  # @param {type:"boolean"}
# @markdown **The face**: `sample` is drawn and needs no consent; or a video's or photo's path, or `upload`
FACE = "sample"  # @param {type:"string"}
# @markdown **The speech**: `sample` is synthetic; or a file, `upload`, `record`, or `voice` (the voice notebook's)
SPEECH = "sample"  # @param {type:"string"}
# @markdown Or many: a CSV file, `upload`: the columns face, speech (name, face_number, whose_face, whose_voice)
LIST_FILE = ""  # @param {type:"string"}
# @markdown Any other face or voice: whose is it, and why may it be used?
WHOSE_FACE = ""  # @param {type:"string"}
WHOSE_VOICE = ""  # @param {type:"string"}
MAY_BE_USED = "not stated"  # @param ["not stated", "my own", "allowed in writing", "free or synthetic"]
# @markdown **How.** Only so many seconds of the speech; 0 is all (2 seconds where there is no card)
SECONDS = 0.0  # @param {type:"number"}
# @markdown Several faces: 1 is the largest person, 2 the next; 0 the largest in each moment
FACE_NUMBER = 0  # @param {type:"integer"}
# @markdown Who finds the face; or its place by hand, in pixels: left, top, right, chin
FIND = "auto"  # @param ["auto", "mediapipe", "yunet", "box"]
BOX = ""  # @param {type:"string"}
# @markdown When the speech is longer than the video
LONGER = "ping-pong"  # @param ["ping-pong", "loop", "freeze"]
# @markdown The preview's sliders: pixels down (opens the mouth more), below the chin; the mask's width, its softness
SHIFT = 0  # @param {type:"integer"}
MARGIN = 10  # @param {type:"integer"}
CHEEKS = 0.9  # @param {type:"number"}
FEATHER = 0.07  # @param {type:"number"}
# @markdown In pauses, and where the face is not sure, the mouth stays as it was filmed
PAUSES = True  # @param {type:"boolean"}
MATCH_COLOURS = True  # @param {type:"boolean"}
# @markdown A draft with a small decoder: several times as fast, softer
DRAFT = False  # @param {type:"boolean"}
# @markdown **Afterwards.** Before and after side by side (the first ten seconds)
COMPARE = True  # @param {type:"boolean"}
# @markdown Measure LSE-D and LSE-C as well (SyncNet, 0.06 GB more)
SCORE = False  # @param {type:"boolean"}
# @markdown **Marks.** A small label in a corner, and an inaudible mark in the voice
LABEL = "on"  # @param ["on", "off: I say myself, wherever I show it, that a machine made it"]
WATERMARK = "on"  # @param ["on", "off: I say myself, wherever I use it, that a machine made it"]
# @markdown Sign the film (C2PA; needs the package c2pa-python)
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

folders = storage.prepare("lip_sync")

# %% [markdown]
# ## 1 · Whose face, whose voice, and may they be used?
# A face is a person's, and so is a voice. Before anything is downloaded, this notebook wants to know whose they are and
# why they may be used; the drawn face and the synthetic voice that it carries are nobody's, so **Run all** needs no
# answer. Putting words into somebody's mouth without a yes is forbidden by the models' licences, and in many places by
# law.

# %% Consent, files, machine
import shutil

from labkit import here as platform
from lipsync import label, plan, ranges, registry, request, takes
from media import own, provenance, watermark

ranges.check(SECONDS=SECONDS, FACE_NUMBER=FACE_NUMBER, SHIFT=SHIFT, MARGIN=MARGIN, CHEEKS=CHEEKS, FEATHER=FEATHER)
ranges.check(STOP_AFTER=STOP_AFTER)
box = takes.judged(FIND, BOX, LONGER)
provenance.wanted(SIGN)
place = folders.outputs / "quick-test" if QUICK_TEST else folders.outputs
if QUICK_TEST:  # kept apart from real results, and made anew: a test that finds everything done tests nothing
    shutil.rmtree(place, ignore_errors=True)
place.mkdir(exist_ok=True)
mine = folders._replace(outputs=place)
own.told(mine.work)

words, marked = label.wanted(LABEL), watermark.wanted(WATERMARK)
wishes = request.wishes(FACE, SPEECH, request.table(LIST_FILE, mine), FACE_NUMBER)
voices = folders.outputs.parent / "voice_cloning"  # where the voice notebook keeps its results on this platform
found, problems = request.find_all(wishes, mine, voices)
agreed = [request.agreed(one, WHOSE_FACE, WHOSE_VOICE, MAY_BE_USED) for one in found]
made = plan.choose(QUICK_TEST, DRAFT, SECONDS)
for one, said in zip(found, agreed, strict=True):
    print(f"{one.wish.name}: face: {said['face'].whose}; voice: {said['voice'].whose}")
print(plan.describe(made))
print(registry.licences(DRAFT))
print(platform.CLONING)

# %% [markdown]
# ## 2 · Find the face
# The video is read once, at 25 frames a second whatever it had, and the face is followed through it. What will cost
# quality is said now; what cannot work stops here, in one sentence.

# %% Find and follow
from labkit import Stop, progress
from lipsync import preview
from lipsync.crop import Look
from session import report

look = Look(SHIFT, MARGIN, CHEEKS, FEATHER, MATCH_COLOURS)
ready, tracks = [], []
with report.stage("find the face"):
    for one in found:
        try:
            take, track, remarks = takes.prepare(
                one.wish.name, one.face, one.speech, mine, ours=one.ours, number=one.wish.number, wish=FIND, box=box,
                longer=LONGER, most=made.seconds, look=look, gate=PAUSES, label=words,
                quick=QUICK_TEST,
            )  # fmt: skip
        except Stop as stop:  # one that cannot be made does not end a list
            if len(found) == 1:
                raise
            problems[one.wish.name] = str(stop)
            print(f"{one.wish.name}: {stop}")
            continue
        ready.append(take)
        tracks.append(track)
        print("\n".join(preview.report(take, track, made)))
        for remark in remarks:
            print(f"  but {remark}")
if not ready:
    raise Stop("none of the films can be made; the reasons stand above")

# %% [markdown]
# ## 3 · Look before minutes are spent
# The model sees the crop with its lower half hidden, and paints that half. *Shift* moves its middle: further down, the
# mouth opens more. Where there are sliders, they change the picture at once; the settings do the same.

# %% Preview
chosen = preview.sliders(ready[0], tracks[0], place / "preview.png", look, widgets=not QUICK_TEST)

# %% [markdown]
# ## 4 · Paint
# For each frame that is spoken in: the crop becomes latents, one pass of the UNet (with what Whisper heard around that
# moment) paints the hidden half, the decoder makes it visible, and it is blended back. Ten seconds at a time go to the
# disk; the stop button, the clock or a disconnect cost at most the ten seconds in work. Several cards share the list.

# %%
from labkit import clock
from lipsync import batch, weights

clock.budget(STOP_AFTER)
ready = [takes.relooked(take, chosen.look) for take in ready]
with report.stage("load the models"):
    models = weights.local(mine, DRAFT, QUICK_TEST)
    scorer = weights.syncnet(mine, QUICK_TEST) if SCORE else None
with report.stage("paint"):
    records = batch.run(ready, made, mine, models)

# %% [markdown]
# ## 5 · The films
# The pieces are joined without a second encoding, under the marked voice; each film is opened again and judged, and
# says in its own metadata that a machine made it.

# %%
from lipsync import output
from media import player

results, compared = [], []
clock.budget(0)  # STOP_AFTER is for painting
consents = {one.wish.name: said for one, said in zip(found, agreed, strict=True)}
with report.stage("join"):
    for take in ready:
        parts = batch.parts(records[take.key], mine)
        if not parts:
            done = sum(record["state"] == "done" for record in records[take.key])
            why = "; ".join(batch.failures(records[take.key])) or "Run all goes on from here"
            print(f"{take.name}: {done} of {len(records[take.key])} pieces are done. {why}")
            continue
        of = records[take.key], mine, weights.commits(models), consents[take.name], marked, SIGN
        try:
            result = output.earlier(take, *of)
            if result is None and clock.should_stop(1.0):
                raise Stop("is painted, and not joined: the session is about to end, Run all goes on from here")
            result = result or output.write(take, parts, *of)
            results.append(result)
            signed = f", {result.facts['signature']}" if SIGN else ""
            print(f"{result.path.name}: {take.speech.seconds:.1f} s{signed}")
            if COMPARE:
                compared.append(output.compare(take, result))
        except Stop as stop:
            problems[take.name] = str(stop)
            print(f"{take.name}: {stop}")
        except KeyboardInterrupt:
            print("Stopped. What is joined stays; Run all goes on from here.")
            break
for result in results[:4]:
    player.show_film(result.path, f"{result.name}, lip-synced")
if compared:
    player.show_film(compared[0], f"{compared[0].stem}: before, left, and after, right")

# %% [markdown]
# ## 6 · Is it in sync, and where did the time go?
# The score compares how open the painted mouth is with how loud the speech is, at delays of up to a third of a second.
# It is a simple number of our own, good to compare takes and to find a delay. Your eyes decide.

# %%
from lipsync import plots, score, speech, sync

if results:
    first = next(take for take in ready if take.name == results[0].name)
    progress.show(plots.strip(results[0].path), place / "strip.png", "frames of the first film in order")
    loud = speech.levels(first.speech)
    progress.show(
        plots.synced(results[0].openness, loud, results[0].score), place / "sync.png",
        "mouth and speech over time, and their correlation at each delay",
    )  # fmt: skip
    spent = results[0].facts["stage_seconds"]
    progress.show(plots.stages(spent, first.frames), place / "stages.png", "milliseconds a frame by stage")
    for result in results:
        rate = result.facts["frames"] / max(1e-6, result.facts["seconds"])
        print(f"{result.name}: {sync.verdict(result.score)}; {rate:.1f} frames a second")
lse = {}
if SCORE and results:
    with report.stage("score"):
        lse = score.of_films(ready, results, scorer, made.devices[0])
films = [{**result.facts, "openness": None, "lse": lse.get(result.name)} for result in results]
storage.write_json(place / "films.json", {"films": films, "asked": len(wishes), "problems": problems})
if QUICK_TEST:
    print(f"This was the quick test: {output.tested(len(results), len(wishes))}.")
seconds = sum(result.facts["frames"] for result in results) / 25
VERDICT = f"{len(results)} of {len(wishes)} films, {seconds:.0f} s, in {made.dtype}{', draft' if DRAFT else ''}"

# %% [markdown]
# ## 7 · From a text to a talking face
# The voice notebook turns a text into marked speech and keeps a record of whose voice it is; `SPEECH = "voice"` takes
# its newest result from this platform's storage, with that consent. Below stands what is known of the chain.

# %%
for one in found:
    print(f"{one.wish.name}: " + " -> ".join(request.chain(one)))
print('To begin with a text: run the voice notebook here, then set SPEECH = "voice" and run all.')

# %% [markdown]
# ### What this is, and what it is not
# The model is [MuseTalk 1.5](https://huggingface.co/TMElyralab/MuseTalk), with
# [Stable Diffusion's VAE](https://huggingface.co/stabilityai/sd-vae-ft-mse) and
# [Whisper tiny](https://huggingface.co/openai/whisper-tiny); the mark is
# [Perth](https://github.com/resemble-ai/Perth). It paints 256 x 256 pixels: close-ups turn soft, beards, hands and
# profiles go wrong. A label can be cut off and a mark removed by somebody who tries: say yourself that a machine made
# it. In the European Union that is a duty since August 2026, by commentaries on the AI Act (Article 50) that we read;
# this is no legal advice. Times, where given, are estimates until somebody has run this on the card that they are for.

# %% slot="finish"
report.files(folders)
report.show(VERDICT, folders)
