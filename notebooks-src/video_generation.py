# ---
# jupyter:
#   anylab:
#     title: Video from words or an image
#     summary: >-
#       A sentence, a list of them or an image becomes a real mp4 on a free 16 GB card: three steps of a distilled model
#       instead of fifty, in stages that each fit the card, and a list of clips survives a disconnect.
#     result: clips as mp4, each with a contact sheet, a quality plot and a record of everything that made it
#     picture: assets/video_generation.png
#     picture_alt: >-
#       A drawing, not a result. Left, the way of a prompt: words, noise, latents, film. Right, bars: a clip takes 3
#       passes of the transformer here, 480 TFLOP, and 100 passes in the plain pipeline, 16,000 TFLOP.
#     jinja: true
#     leaves: nothing; models come from the Hugging Face Hub, prompts and clips stay here
#     needs:
#       gpu: optional
#       gpu_memory_gb: 13.5
#       compute_capability: 7.0
#       disk_gb: 12
#       ram_gb: 12
#       internet: weights
#       minutes: {T4 (estimate): 12, CPU (small clip; estimate): 25}
#     models:
#       - id: FastVideo/FastWan2.1-T2V-1.3B-Diffusers
#         gb: 3.5
#         licence: Apache-2.0
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: videogen.tiny:twin
#       - id: Wan-AI/Wan2.2-TI2V-5B-Diffusers
#         gb: 11.4
#         licence: Apache-2.0
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: videogen.tiny:twin
#       - id: Wan-AI/Wan2.1-T2V-1.3B-Diffusers
#         gb: 6.2
#         licence: Apache-2.0
#         sell: "yes"
#         gated: false
#         revision: unverified
#         tiny: videogen.tiny:twin
#       - id: Lightricks/LTX-Video-0.9.5
#         gb: 11.2
#         licence: LTXV Open Weights 0.X
#         sell: "up to 10 million USD of yearly revenue"
#         gated: false
#         revision: unverified
#         tiny: videogen.tiny:twin
#       - id: Lightricks/LTX-Video
#         gb: 6.3
#         licence: LTXV Open Weights 0.X
#         sell: "up to 10 million USD of yearly revenue"
#         gated: false
#         revision: unverified
#         tiny: videogen.tiny:twin
#     smallest: {FRAMES: 9, WIDTH: 96, HEIGHT: 64}
#     produces:
#       - {file: "*clip.mp4", is: video, frames: 9}
#       - {file: "*.png", is: picture}
#       - {file: clips.json, is: table}
#     packages:
#       - torch>=2.6
#       - diffusers>=0.37
#       - transformers>=5.0
#       - accelerate>=1.2
#       - huggingface_hub>=1.0
#       - safetensors>=0.4
#       - tokenizers>=0.20
#       - imageio-ffmpeg>=0.5
#       - opencv-python-headless>=4.9
#       - numpy>=1.26
#       - pillow>=10
#       - matplotlib>=3.8
#       - tqdm>=4.60
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown] slot="title"
# # Video from words or an image

# %% tags=["parameters"]
# @markdown **The run.** A quick test takes a minute on any machine and downloads nothing: does everything work here?
QUICK_TEST = False  # @param {type:"boolean"}
# @markdown **What is to be seen.** Several prompts stand apart by `|`; a name such as `cat` or `city` is one of ours
PROMPTS = "lighthouse"  # @param {type:"string"}
# @markdown Or a file: .txt with a prompt a line, or .jsonl with prompt, seed, style, image, frames a row
PROMPT_FILE = ""  # @param {type:"string"}
# @markdown Begin with an image: a file's path, or `example`
IMAGE = ""  # @param {type:"string"}
STYLE = "none"  # @param ["none", "cinema", "reportage", "cartoon", "clay", "aquarelle", "night", "vintage", "product"]
# @markdown What to avoid; only undistilled models listen to it
NEGATIVE = ""  # @param {type:"string"}
# @markdown **How.** The same seed gives the same clip; -1 draws one, and records it
SEED = 0  # @param {type:"integer"}
VARIATIONS = 1  # @param {type:"integer"}
# @markdown auto: by the card. `wan-1.3b` is slower and follows words more closely; `ltx-2b` has a licence of its own
MODEL = "auto"  # @param ["auto", "fastwan-1.3b", "wan-1.3b", "wan-5b", "ltx-2b"]
# @markdown I have read the licence of `ltx-2b` (LTXV Open Weights) and accept it
ACCEPT_LICENCE = False  # @param {type:"boolean"}
# @markdown Frames, width, height; 0: what fits this card
FRAMES = 0  # @param {type:"integer"}
WIDTH = 0  # @param {type:"integer"}
HEIGHT = 0  # @param {type:"integer"}
# @markdown **After that.** Long clips of so many parts, each going on from the last frame (needs `wan-5b` or `ltx-2b`)
PARTS = 1  # @param {type:"integer"}
# @markdown Join the clips to one film, melting into each other for so many seconds; -1: do not join
CROSSFADE = -1.0  # @param {type:"number"}
# @markdown Smoother: frames a second, 0 as it is; larger: times, 1 as it is; a sound file to go with it
SMOOTH_FPS = 0  # @param {type:"integer"}
ENLARGE = 1  # @param {type:"integer"}
SOUND = ""  # @param {type:"string"}
# @markdown A form in the notebook for one clip after the other (needs gradio, which most platforms have)
FORM = False  # @param {type:"boolean"}
# @markdown Stop and save after so many minutes of making clips; 0 means shortly before the session ends
STOP_AFTER = 0.0  # @param {type:"number"}

# %% slot="bootstrap"
import sys
from pathlib import Path

here = Path(globals().get("__file__", "notebook")).resolve().parent
sys.path[:0] = [str(here / "lib"), str(here / "notebooks-src" / "lib")]

# %% slot="setup"
from labkit import storage

folders = storage.prepare("video_generation")

# %% [markdown]
# ## 1 · What will be made here
# The card decides the model, the size and the length; what you set above overrides it. Everything that can go wrong
# with a prompt, an image or a size is said now, before anything is downloaded.

# %% Ask the card, judge the request
import shutil

from labkit import clock
from videogen import granted, picture, plan, request

request.ending(STOP_AFTER, FORM)

machine = granted.look(folders)
clips = request.clips(PROMPTS, PROMPT_FILE, STYLE, NEGATIVE, SEED, VARIATIONS, IMAGE)
images = request.begin_with_images(clips, PARTS)
if QUICK_TEST:  # the same cells, on a model of the same classes with random weights
    chosen = plan.quick(MODEL, images, machine)
else:
    request.accepted(MODEL, ACCEPT_LICENCE)
    chosen = plan.choose(machine, MODEL, images, frames=FRAMES, height=HEIGHT, width=WIDTH)
    if IMAGE.strip() and not WIDTH and not HEIGHT:  # the image's own shape, as many pixels
        chosen = picture.shaped(chosen, IMAGE)
# a quick test keeps its results apart, so that it never replaces those of a real run
place = folders.outputs / "quick-test" if QUICK_TEST else folders.outputs
if QUICK_TEST:
    shutil.rmtree(place, ignore_errors=True)  # a quick test that finds everything done tests nothing
place.mkdir(exist_ok=True)
clips = request.judged(clips, chosen, place, QUICK_TEST)
fade = request.extras(PARTS, CROSSFADE, SMOOTH_FPS, ENLARGE, SOUND, clips, chosen, QUICK_TEST)
left = clock.time_left()
print(plan.describe_quick(chosen) if QUICK_TEST else plan.describe(chosen, machine, len(clips), PARTS, left))
for clip in clips[:5]:
    print(f"- {clip['prompt'][:100]}{'…' if len(clip['prompt']) > 100 else ''}")
if len(clips) > 5:
    print(f"  and {len(clips) - 5} more")

# %% [markdown]
# ## 2 · Words become numbers
# A text encoder of 5.7 billion parameters reads every prompt of the list, once. Its answer is kept (some hundred kB a
# prompt), then it leaves the card: encoder and video model never have to fit together. A later session with the same
# prompts does not even download it.

# %%
from session import report
from videogen import batch, tiny, weights

mine = folders._replace(outputs=place)
given = {}  # folders with models; without them they are fetched
if QUICK_TEST:
    built = tiny.build_all(folders.work / "tiny", chosen.spec)
    for role, source in weights.repositories(chosen.spec).items():
        given[role] = weights.Local(f"random weights for {source.id}", "no commit", built[role])
with report.stage("words to numbers"), batch.alone(mine):
    models, encoded = batch.encode_all(clips, chosen, mine, given, machine)
print(f"{encoded} text{'s' * (encoded != 1)} encoded" if encoded else "every text was encoded already")
print(weights.licences(weights.repositories(chosen.spec).values()))

# %% [markdown]
# ## 3 · Noise becomes film
# The transformer turns noise into *latents*, a film in a compressed language; the VAE translates them into pictures, in
# tiles; ffmpeg writes h264. Each step is on the disk before the next begins. The stop button, the clock or a disconnect
# cost at most the clip in work: **Run all** goes on with what is left, and with saved latents where there are some.
# Several cards share the list.

# %%
from labkit import progress

clock.budget(STOP_AFTER)
live = progress.Live(place / "preview.png", "the clip in work, before it is decoded", seconds=20)
with report.stage("clips"), batch.alone(mine):
    records, long, seams = batch.chained(clips, chosen, mine, models, granted.devices(machine), PARTS, live)
if not batch.finished(mine, records):
    print("No clip is finished yet; what went wrong stands above. Run all goes on from here.")

# %% Show the clips
from media import player

finished = batch.finished(mine, records)
for number, (path, made) in enumerate(finished):
    print(f"{path.name}: seed {made['seed']}; {made['verdict']}")
    for change in made["changes"]:
        print(f"  changed on the way: {change}")
    if number < 6:  # more of them would make the notebook itself too large to save
        player.show_film(path, made["prompt"])

# %% [markdown]
# ## 4 · Is it any good?
# Numbers that need no further model. *Flicker* is how much neighbouring frames differ, *warp error* what of it is no
# motion, *flow* the motion itself: a clip that stands still wins the first two, so all three stand together.

# %%
from videogen import film, plots, quality

if finished:
    path, made = finished[0]
    frames, head = film.read(path)
    figure = plots.sheet(frames, head.fps, made["prompt"])
    progress.show(figure, place / "sheet.png", "frames of the first clip in order")
    figure = plots.report(quality.curves(frames), head.fps, made["quality"])
    progress.show(figure, place / "quality.png", "change, what of it is no motion, and motion, over time")
    print(film.metadata(path)["comment"])
if len(finished) > 1:
    some = finished[:24]
    figure = plots.wall([film.still(path) for path, _ in some], [made["prompt"] for _, made in some])
    progress.show(figure, place / "list.png", "a frame from the middle of each clip, in order")
rows = [{**made, "file": path.name} for path, made in finished]
joined = [{"file": path.name, "seams": found} for path, found in zip(long, seams, strict=True)]
storage.write_json(place / "clips.json", {"clips": rows, "asked": len(clips), "long": joined})
size = f"{chosen.frames} frames of {chosen.width} x {chosen.height}"
VERDICT = f"{len(finished)} of {len(clips)} clips, {chosen.spec.title}, {size}"
if QUICK_TEST and finished:
    print("This was the quick test: random weights make coloured noise, and the whole way works on this machine.")

# %% [markdown]
# ## 5 · Into one film
# Scenes melt into each other, parts become one long clip (and how much each seam shows is said: 1 is not at all), and
# what is there becomes smoother, larger, or gets a sound. All of that is ffmpeg: no further model, no GPU.

# %%
from videogen import reel

films = list(long) if PARTS > 1 else [path for path, _ in finished]
for path, found in zip(long, seams, strict=True):
    print(f"{path.name}: {len(found) + 1} parts, seams {', '.join(f'{s:.1f}' for s in found)}")
if PARTS > 1 and len(long) < len(clips):
    print(f"{len(long)} of {len(clips)} long clips have all their {PARTS} parts; run it again to go on.")
clock.budget(0)  # STOP_AFTER is for making clips
with report.stage("film"), batch.alone(mine):
    films = reel.made(films, place, fade, SMOOTH_FPS, ENLARGE, SOUND, len(clips))
for path in films:
    if path not in [clip for clip, _ in finished]:
        head = film.facts(path)
        print(f"{path.name}: {head.width} x {head.height}, {head.seconds:.1f} s at {head.fps:g} fps")
        player.show_film(path, path.stem)
if PARTS == 1 and fade < 0 and not SMOOTH_FPS and ENLARGE == 1 and not SOUND:
    print("Nothing to do here: PARTS, CROSSFADE, SMOOTH_FPS, ENLARGE and SOUND are off.")

# %% A form for one clip after the other collapse=true
if FORM:
    from labkit import Stop
    from videogen import form

    def make_one(prompt, style, seed, image, cancel, tell):
        """One clip from the form, by the same steps as above."""
        words = request.single(prompt)
        wish = request.judged(request.clips(words, "", style, NEGATIVE, seed, 1, image or ""), chosen, place)
        device = "cuda:0" if machine.cards else "cpu"
        with batch.alone(mine):
            found, _ = batch.encode_all(wish, chosen, mine, given, machine)
            record = batch.run(wish, chosen, mine, found, [device], None, "form", cancel, tell)[0]
        if record["state"] != "done":
            raise Stop(record.get("error", "stopped"))
        path, made = batch.finished(mine, [record], "form")[0]
        return path, made["verdict"]

    form.launch(form.build(make_one, chosen.spec.images), place)

# %% [markdown]
# ### What this is, and what it is not
# The default is [FastWan2.1](https://huggingface.co/FastVideo/FastWan2.1-T2V-1.3B-Diffusers), which FastVideo distilled
# from Wan2.1 1.3B to three steps without guidance: a thirtieth of the passes, less variety of motion, and it does not
# listen to what is to be avoided. Each clip says in its own metadata that a machine made it. Times, where given, are
# estimates until somebody has run this on the card that they are for.

# %% slot="finish"
report.files(folders)
report.show(VERDICT, folders)
