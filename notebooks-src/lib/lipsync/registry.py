"""The models: what they are called, what they weigh, what they may be used for, and where that was read.

Data only. Sizes are GB of 1e9 bytes, from the publishers' pages or parameters times bytes (2026-11-20). No commit is
written down: none was looked up; each is resolved when it is downloaded, printed and kept in the records.
"""

from dataclasses import dataclass

from session.weights import UNVERIFIED


@dataclass(frozen=True)
class Source:
    """Files of one repository on the hub, and their download in GB."""

    id: str
    files: tuple[str, ...]
    gb: float
    licence: str
    sell: str = "yes"
    revision: str = UNVERIFIED


CONFIG, WEIGHTS = "musetalkV15/musetalk.json", "musetalkV15/unet.pth"
SOURCES = {
    # code MIT; its README allows the weights "any purpose, even commercially", a mirror of the model card says
    # creativeml-openrail-m: its limits of use are honoured
    "unet": Source("TMElyralab/MuseTalk", (CONFIG, WEIGHTS), 3.4, "MIT; weights within OpenRAIL's limits of use"),
    "vae": Source("stabilityai/sd-vae-ft-mse", ("config.json", "diffusion_pytorch_model.safetensors"), 0.34, "MIT"),
    "ears": Source(
        "openai/whisper-tiny", ("config.json", "model.safetensors", "preprocessor_config.json"), 0.15, "Apache-2.0"
    ),
    "draft": Source("madebyollin/taesd", ("config.json", "diffusion_pytorch_model.safetensors"), 0.01, "MIT"),
    "yunet": Source("opencv/face_detection_yunet", ("*.onnx",), 0.001, "MIT"),
    "score": Source("ByteDance/LatentSync-1.5", ("auxiliary/syncnet_v2.model",), 0.055, "OpenRAIL++; SyncNet MIT"),
}
NEEDED = ("unet", "vae", "ears")

# Google's own bundle of face detector, 478 landmarks and blendshapes (Apache-2.0): one file, on no hub. The hash as
# package mediapipe_vision 0.1.2 documents it (pub.dev, VisionModels.faceLandmarker, read 2026-11-28)
LANDMARKER = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)


def licences(draft: bool = False) -> str:
    """One line on what may be done with the result."""
    used = [SOURCES[role] for role in (*NEEDED, *(["draft"] if draft else []))]
    return "; ".join(f"{source.id}: {source.licence}" for source in used) + ". May I sell the result? Yes, within these"
