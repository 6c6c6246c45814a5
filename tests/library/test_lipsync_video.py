"""lipsync's films: any rate becomes 25 a second, turned, sized, to and fro; what is written is what was meant."""

from fractions import Fraction

import numpy
import pytest
from labkit import Stop
from lipsync import film, label, sync, timeline, video
from PIL import Image

from tests.library.lipsync_worlds import drawing, number_of, numbered, tone


def shown(clip, begin=0, end=None):
    return [number_of(frame) for frame in video.read(clip, begin, end)]


@pytest.mark.parametrize(
    "rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25), Fraction(60), Fraction(12)]
)
def test_any_rate_is_conformed_to_25_without_drift(tmp_path, rate):
    count = int(4 * rate)
    clip = video.look(numbered(tmp_path / "a.mp4", count, rate))
    assert clip.frames == round(count / rate * 25)
    expected = [min(count - 1, int((Fraction(i, 25) + Fraction(15, 10000)) * rate)) for i in range(clip.frames)]
    assert shown(clip) == expected
    assert shown(clip, 61, 75) == expected[61:75], "the same from the middle, by seeking"


def test_an_hour_at_29_97_does_not_drift():
    rate = Fraction(30000, 1001)
    assert round(107892 / rate * 25) == 90000  # an hour less 3.6 ms: not one frame is gained or lost


def test_a_variable_rate_shows_at_each_moment_what_a_player_would(tmp_path):
    times = [0, 40, 80, 400, 420, 440, 900, 1000]  # ms
    path = numbered(tmp_path / "v.mkv", len(times), 25, times=times, unit=Fraction(1, 1000))
    clip = video.look(path)
    wanted = [max(n for n, t in enumerate(times) if t <= 40 * i) for i in range(clip.frames)]
    assert shown(clip) == wanted and shown(clip, 20) == wanted[20:]


@pytest.mark.parametrize(("codec", "name"), [("mpeg4", "a.avi"), ("libvpx-vp9", "a.webm"), ("libx264", "a.mov")])
def test_other_containers_give_the_same_frames(tmp_path, codec, name):
    clip = video.look(numbered(tmp_path / name, 30, 25, codec=codec))
    assert clip.frames == 30 and numpy.abs(numpy.subtract(shown(clip), range(30))).max() <= 1
    assert numpy.abs(numpy.subtract(shown(clip, 17, 30), range(17, 30))).max() <= 1


def test_a_turned_film_stands_upright_with_even_sides(tmp_path):
    import av

    path = tmp_path / "turned.mp4"
    picture = numpy.zeros((48, 66, 3), numpy.uint8)
    picture[:, 33:] = 250  # bright on the right
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 66, 48, "yuv420p"
        for n in range(10):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    turn(path, 90)
    clip = video.look(path)
    assert (clip.turned, clip.width, clip.height) == (270, 48, 66), "clockwise by 90 is 270 the other way"
    frame = next(video.read(clip))
    assert frame.shape == (66, 48, 3)
    assert frame[40:].mean() > 200 > 50 > frame[:26].mean(), "what was on the right is below"


def turn(path, degrees):
    """Write a rotation into an mp4's track header, as a phone does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version and flags, times, ids, then the matrix (ISO 14496-12)
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    for i, value in enumerate([cos, sin, 0, -sin, cos, 0]):
        data[at + 4 * i : at + 4 * i + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    path.write_bytes(data)


def test_odd_sides_lose_a_row_and_4k_is_made_smaller_and_said(tmp_path):
    odd = tmp_path / "odd.png"
    Image.new("RGB", (101, 77), (200, 10, 10)).save(odd)
    clip = video.look(odd)
    assert (clip.width, clip.height, clip.still, clip.frames) == (100, 76, True, 1)
    assert next(video.read(clip)).shape == (76, 100, 3)
    big = tmp_path / "big.jpg"
    Image.new("RGB", (3840, 2160), (10, 200, 10)).save(big)
    clip = video.look(big)
    assert (clip.width, clip.height) == (1920, 1080) and "made smaller" in clip.remarks[0]
    assert next(video.read(clip)).shape == (1080, 1920, 3)
    large = video.look(numbered(tmp_path / "big.mp4", 3, 25, size=(2160, 3840)))
    assert (large.width, large.height) == (1080, 1920) and next(video.read(large)).shape == (1920, 1080, 3)


def test_a_photo_is_turned_as_its_camera_says_whatever_its_ending(tmp_path):
    picture = Image.new("RGB", (80, 40), (0, 0, 0))
    picture.paste((250, 250, 250), (40, 0, 80, 40))
    exif = picture.getexif()
    exif[0x0112] = 6
    path = tmp_path / "photo.mp4"  # a wrong ending
    picture.save(path, format="JPEG", exif=exif)
    clip = video.look(path)
    frame = next(video.read(clip))
    assert clip.still and frame.shape == (80, 40, 3) and frame[50:].mean() > 200 > 50 > frame[:30].mean()


def test_a_film_of_one_frame_is_taken_as_a_photo(tmp_path):
    clip = video.look(numbered(tmp_path / "one.mp4", 1, 25))
    assert clip.still and clip.frames == 1 and "one frame" in clip.remarks[0]
    assert shown(clip, 0, 3) == [0, 0, 0]


@pytest.mark.parametrize("longer", timeline.LONGER)
def test_a_speech_that_is_longer_goes_to_and_fro_round_or_stands_still(longer):
    found = timeline.indices(0, 11, 4, longer)
    assert (
        found
        == {
            "ping-pong": [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2],
            "loop": [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2],
            "freeze": [0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3],
        }[longer]
    )
    assert timeline.indices(5, 8, 4, longer) == found[5:8]
    assert timeline.indices(0, 3, 1, longer) == [0, 0, 0]
    assert timeline.indices(0, 3, 9, longer) == [0, 1, 2]


def test_frames_come_in_any_order_also_when_the_clip_is_not_held(tmp_path, monkeypatch):
    clip = video.look(numbered(tmp_path / "a.mp4", 40, 25))
    wanted = [*range(30, 40), *range(38, 11, -1), 5, 5, 5, *range(0, 4), 20]
    assert [number_of(f) for f in video.order(clip, wanted)] == wanted
    monkeypatch.setattr(video, "HELD", 0)
    monkeypatch.setattr(video, "_BLOCK", 5 * 64 * 48 * 3)
    assert [number_of(f) for f in video.order(clip, wanted)] == wanted
    one, other = (next(video.order(clip, [3])) for _ in range(2))
    one[:] = 0
    assert other.mean() > 0, "each frame is a copy of one's own"


def test_colours_survive_a_film_as_it_was_tagged(tmp_path):
    bars = numpy.zeros((64, 96, 3), numpy.uint8)
    for i, colour in enumerate(
        [(220, 40, 40), (40, 200, 60), (40, 60, 210), (230, 180, 150), (128, 128, 128), (250, 240, 60)]
    ):
        bars[:, 16 * i : 16 * i + 16] = colour
    path = film.write(tmp_path / "bars.mp4", [bars] * 3, 96, 64)
    for read in (next(film.frames(path)), next(video.read(video.look(path)))):
        middles = read[32, 8::16].astype(int)
        assert numpy.abs(middles - bars[32, 8::16]).max() <= 6


def test_parts_are_joined_packet_by_packet_with_the_whole_sound_and_tags(tmp_path):
    draw = drawing().draw
    frames = [draw(i % 50) for i in range(0, 62)]
    whole = film.write(tmp_path / "whole.mp4", frames, 384, 448)
    parts = [film.write(tmp_path / f"{a}.mp4", frames[a:b], 384, 448) for a, b in ((0, 25), (25, 50), (50, 62))]
    raw = tmp_path / "sound.s16"
    at = numpy.arange(int(2.5 * 48000)) / 48000
    raw.write_bytes((8000 * numpy.sin(2 * numpy.pi * 300 * at)).astype(numpy.int16).tobytes())
    made = film.join(
        parts, raw, 2.5, tmp_path / "film.mp4", {"title": "a; title", "comment": "AI-generated", "software": "us"}
    )
    found = film.facts(made)
    assert (found.frames, found.width, found.height) == (62, 384, 448)
    assert found.sound == pytest.approx(2.5, abs=0.04)
    assert (
        found.tags["title"] == "a; title" and found.tags["comment"] == "AI-generated" and found.tags["software"] == "us"
    )
    assert film.faults(made, 62, 384, 448, 2.5) == []
    for one, other in zip(film.frames(made), film.frames(whole), strict=True):
        assert numpy.abs(one.astype(int) - other).mean() < 1.5, "every frame in its place"
    data = made.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "it plays while it loads"


def test_the_same_frames_give_the_same_bytes(tmp_path):
    frames = [numpy.full((48, 64, 3), 10 * i, numpy.uint8) for i in range(8)]
    one, other = (film.write(tmp_path / name, frames, 64, 48).read_bytes() for name in ("a.mp4", "b.mp4"))
    assert one == other


def test_a_film_that_breaks_off_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), film.Writer(tmp_path / "x.mp4", 64, 48) as out:
        out.add(numpy.zeros((48, 64, 3), numpy.uint8))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_with_a_film_is_found(tmp_path):
    dark = film.write(tmp_path / "dark.mp4", [numpy.zeros((48, 64, 3), numpy.uint8)] * 5, 64, 48)
    assert film.faults(dark, 6, 48, 64, 1.0) == [
        "it has 5 frames and should have 6", "it is 64 x 48 and should be 48 x 64",
        "its sound lasts 0.00 s and should last 1.00 s", "it is black",
    ]  # fmt: skip
    (tmp_path / "cut.mp4").write_bytes(dark.read_bytes()[:200])
    assert film.faults(tmp_path / "cut.mp4", 5, 64, 48, 1.0) == ["cut.mp4 is no film that can be opened"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.mp4", None, "there is no file"),
        ("notes.mp4", b"just some words, no film at all", "is neither a video nor a photo"),
        ("empty.mp4", b"", "is neither a video nor a photo"),
    ],
)
def test_what_is_no_face_video_is_said_in_a_sentence(tmp_path, name, data, said):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(Stop, match=said):
        video.look(path)


def test_a_sound_is_no_picture_and_a_tiny_film_is_too_small(tmp_path):
    with pytest.raises(Stop, match="has no picture"):
        video.look(tone(tmp_path / "a.wav", 1.0))
    with pytest.raises(Stop, match="too small for a face"):
        video.look(numbered(tmp_path / "s.mp4", 3, 25, size=(16, 16)))


def test_a_film_that_is_cut_off_is_said_and_not_made_up(tmp_path):
    path = numbered(tmp_path / "a.ts", 200, 25, size=(320, 240))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    clip = video.look(path)
    assert 50 < clip.frames < 200
    assert len(shown(clip)) == clip.frames
    whole = numbered(tmp_path / "b.mp4", 200, 25, size=(320, 240))
    whole.write_bytes(whole.read_bytes()[:-2000])
    with pytest.raises(Stop, match="neither a video nor a photo"):
        video.look(whole)


def test_the_label_is_small_legible_and_in_its_corner():
    frame = numpy.full((448, 384, 3), 150, numpy.uint8)
    label.Label(384, 448).draw(frame)
    changed = numpy.argwhere((frame != 150).any(-1))
    (top, left), (bottom, right) = changed.min(0), changed.max(0)
    assert top > 400 and left < 12 and right < 130 and bottom < 448
    spot = frame[top : bottom + 1, left : right + 1]
    assert spot.max() > 225 and numpy.percentile(spot, 30) < 80, "bright letters on a dark plate"
    assert len(changed) < 0.02 * 384 * 448
    small = numpy.full((40, 48, 3), 150, numpy.uint8)
    label.Label(48, 40).draw(small)
    assert (small != 150).any(), "also where there is hardly room"


def test_the_sync_score_finds_a_delay_and_tells_following_from_chance():
    rng = numpy.random.default_rng(0)
    loud = -20 + 10 * numpy.convolve(rng.normal(size=300), numpy.ones(5) / 5, "same")
    mouth = 10 ** (loud / 20)
    assert sync.score(mouth, loud).lag == 0 and sync.score(mouth, loud).best > 0.99
    late = sync.score(numpy.roll(mouth, 4), loud)
    assert late.lag == 4 and late.best > 0.95 and late.here < 0.6 and "160 ms late" in sync.verdict(late)
    assert sync.score(rng.permutation(mouth), loud).best < 0.25
    assert sync.score(numpy.ones(300), loud).best is None and sync.score(mouth[:20], loud[:20]).best is None
    gaps = [None if 100 <= i < 150 else float(v) for i, v in enumerate(mouth)]
    assert sync.score(gaps, loud).frames == 250 and sync.score(gaps, loud).lag == 0
