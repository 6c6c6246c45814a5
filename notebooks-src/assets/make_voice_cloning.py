"""Make the voice that the notebook carries: espeak-ng reads four sentences; 16 kHz, packed as Ogg Opus, as base64.

`pip install espeakng-loader soundfile`, then `python notebooks-src/assets/make_voice_cloning.py`. The text is ours; the
voice is espeak-ng's own (formant synthesis, "en-us" with variant m3), and no person's. Writes lib/media/voice.py.
"""

import base64
import ctypes
import sys
import textwrap
from pathlib import Path

import numpy
import soundfile

TEXT = (
    "This voice was made by a machine, and belongs to nobody. "
    "It is here so that you can try everything without asking anyone. "
    "A quick brown fox jumps over the lazy dog, while five wizards box. "
    "Please replace it with a voice that you may use."
)
VOICE, SPEED, PITCH = "en-us+m3", 145, 42


def speak(text: str, voice: str = VOICE, speed: int = SPEED, pitch: int = PITCH) -> tuple[numpy.ndarray, int]:
    """(samples,) float32 and the rate in Hz, as espeak-ng says it."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    parts: list[bytes] = []
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

    @kind
    def collect(wave, count, _):
        if count:
            parts.append(ctypes.string_at(wave, count * 2))
        return 0

    # 2: the samples are here when espeak_Synth returns; with 1 a thread of espeak's calls back, now and then too late
    rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
    library.espeak_SetSynthCallback(collect)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_SetParameter(1, speed, 0)  # words per minute
    library.espeak_SetParameter(3, pitch, 0)  # 0 to 100
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 0, 0, 1, None, None)  # 1: UTF-8
    library.espeak_Synchronize()
    return numpy.frombuffer(b"".join(parts), numpy.int16).astype(numpy.float32) / 32768, rate


if __name__ == "__main__":
    import soxr

    samples, rate = speak(TEXT)
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "sample-voice.ogg")
    low = soxr.resample(samples, rate, 16000)
    with soundfile.SoundFile(path, "w", 16000, 1, "OPUS", format="OGG", compression_level=0.95) as file:
        file.write(0.9 * low / numpy.abs(low).max())
    text = "\n".join(textwrap.wrap(base64.b64encode(path.read_bytes()).decode(), 118))
    module = Path(__file__).resolve().parent.parent / "lib" / "media" / "voice.py"
    begin, end = 'DATA = """\n', '"""\n'
    before, _, after = module.read_text(encoding="utf-8").partition(begin)
    module.write_text(before + begin + text + "\n" + end + after.partition(end)[2], encoding="utf-8")
    print(f"{len(low) / 16000:.1f} s, {path.stat().st_size:,} bytes, {len(text):,} of base64: {path}")
