"""lipsync finds a face, follows it, holds it through gaps, and says in a sentence what nothing can be made of."""

import hashlib
import os
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest
from labkit import Stop
from lipsync import crop, faces, find, preview, registry, sample, takes, tiny_yunet, track, video
from lipsync.crop import Look

from anylab.smoke import overlay
from tests.library.lipsync_worlds import drawing, places, take_of, tone


class Told:
    """A finder that says what it is told: a list of faces for each frame."""

    name = "told"

    def __init__(self, rows):
        self.rows = rows

    def find(self, frame, number):
        return self.rows[number]


def clip_of(frames):
    return SimpleNamespace(frames=frames, still=False)


def at(x, y=200.0, width=100.0, confidence=1.0):
    half = width / 2
    return faces.Face(
        y, y + width * 0.7, x - half, x + half, (x - half, y - half, x + half, y + width * 0.7), confidence
    )


@pytest.fixture
def unread(monkeypatch):
    """Videos of which nothing is read: their finder is told."""
    monkeypatch.setattr(video, "read", lambda clip, *_: iter([numpy.zeros((8, 8, 3), numpy.uint8)] * clip.frames))


@pytest.fixture(scope="module")
def sample_clip(tmp_path_factory):
    return video.look(sample.write(tmp_path_factory.mktemp("sample")))


# --- followed, smoothed, held


def test_trembling_is_smoothed_and_movement_is_kept(unread):
    rng = numpy.random.default_rng(0)
    moved = [300 + 2 * i for i in range(60)]
    found = track.make(clip_of(60), Told([[at(x + rng.normal(0, 3))] for x in moved]))
    middles = (found.rows[:, 2] + found.rows[:, 3]) / 2
    assert numpy.abs(numpy.diff(middles, 2)).mean() < 1.0 < 4.0 < numpy.abs(numpy.diff(rng.normal(0, 3, 60), 2)).mean()
    assert numpy.abs(middles - moved).max() < 6


def test_a_gap_of_half_a_second_is_held_and_a_longer_one_is_left_alone(unread):
    rows = [[at(300 + i)] for i in range(80)]
    rows[20:32] = [[] for _ in range(12)]
    rows[50:63] = [[] for _ in range(13)]
    found = track.make(clip_of(80), Told(rows))
    assert (found.rows[20:32, 8] > 0).all() and found.face(26).middle[0] == pytest.approx(326, abs=1)
    assert (found.rows[50:63, 8] == 0).all() and found.face(55) is None
    assert found.rows.shape == (80, faces.ROW), "one row a frame, so that nothing shifts"


def test_a_cut_is_not_smoothed_over(unread):
    found = track.make(clip_of(40), Told([[at(200)] for _ in range(20)] + [[at(700)] for _ in range(20)]))
    middles = (found.rows[:, 2] + found.rows[:, 3]) / 2
    assert numpy.abs(middles[:20] - 200).max() < 0.01 and numpy.abs(middles[20:] - 700).max() < 0.01


def test_of_several_faces_one_is_chosen_by_its_number_and_followed(unread):
    rows = [[at(200 + i, width=80), at(600 - i, width=140)] for i in range(40)]
    largest = track.make(clip_of(40), Told(rows))
    assert largest.people == 2 and largest.face(10).middle[0] == pytest.approx(590, abs=1)
    second = track.make(clip_of(40), Told([row[::-1] for row in rows]), 2)
    assert second.face(10).middle[0] == pytest.approx(210, abs=1)
    assert any("2 faces are seen: FACE_NUMBER" in remark for remark in largest.remarks())
    with pytest.raises(Stop, match="FACE_NUMBER is 3, and 2 faces were found"):
        track.make(clip_of(40), Told(rows), 3)


def test_when_the_largest_leaves_the_largest_of_the_moment_goes_on(unread):
    rows = [[at(200, width=80), at(600, width=140)] if i < 30 else [at(200, width=80)] for i in range(60)]
    found = track.make(clip_of(60), Told(rows))
    assert found.face(10).middle[0] == pytest.approx(600) and found.face(50).middle[0] == pytest.approx(200)
    only = track.make(clip_of(60), Told(rows), 1)
    assert only.face(50) is None, "one person by number is nobody else"


def test_an_unsure_face_fades_out_in_thirds_and_a_lost_one_is_not_painted():
    rows = numpy.zeros((12, faces.ROW), numpy.float32)
    rows[:, 8] = [1, 1, 1, 1, 1, 0.2, 0.2, 1, 1, 1, 1, 0]
    weight = track.weights(track.Track(rows, None, "told", 1))
    assert weight == pytest.approx([1, 1, 1, 2 / 3, 1 / 3, 0, 0, 1 / 3, 2 / 3, 2 / 3, 1 / 3, 0])


def test_a_track_is_kept_and_read_back(unread, tmp_path):
    found = track.of_faces([sample.face(i) for i in range(5)], "sample")
    again = track.load(track.save(found, tmp_path / "t.npz"))
    assert numpy.array_equal(again.rows, found.rows) and numpy.array_equal(again.points, found.points)
    assert again.finder == "sample" and again.face(3).contour.shape == (36, 2) and again.face(3).nose.shape == (8, 2)
    (tmp_path / "t.npz").write_bytes(b"no")
    assert track.load(tmp_path / "t.npz") is None


# --- what nothing can be made of


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[] for _ in range(20)], "no face was found"),
        ([[at(300)] if i < 6 else [] for i in range(60)], "a face is seen in 10% of the video only"),
        ([[at(300, confidence=0.1)] for _ in range(20)], "the face is seen from the side"),
        ([[at(300, width=30)] for _ in range(20)], "the face is 30 pixels wide, 40 are needed"),
    ],
)
def test_no_face_a_rare_one_a_profile_and_a_tiny_one_are_a_sentence_each(unread, rows, said):
    with pytest.raises(Stop, match=said):
        track.make(clip_of(len(rows)), Told(rows)).remarks()


def test_what_costs_quality_is_a_remark(unread):
    told = lambda rows: " ".join(track.make(clip_of(len(rows)), Told(rows)).remarks())  # noqa: E731
    assert "the mouth will look soft" in told([[at(600, width=500)] for _ in range(20)])
    assert "little will be seen" in told([[at(300, width=60)] for _ in range(20)])
    assert "seen in 50% of the frames" in told([[at(300)] if i < 20 else [] for i in range(40)])
    assert "looks aside often" in told([[at(300, confidence=0.5)] for _ in range(20)])


# --- who finds it


def test_a_box_by_hand_is_the_crop_and_a_bad_one_is_a_sentence():
    face = find.Fixed("120, 80, 300, 330", 640, 480).find(None, 0)[0]
    assert crop.box(face, 640, 480, Look(margin=0)) == (120, 80, 300, 330)
    for told, said in (("1, 2, 3", "four numbers"), ("a, b, c, d", "four numbers"), ("0, 0, 900, 9", "does not lie in"),
                       ("300, 80, 120, 330", "does not lie in")):  # fmt: skip
        with pytest.raises(Stop, match=said):
            find.Fixed(told, 640, 480)


def test_the_eyes_nose_and_mouth_of_a_small_detector_make_a_crop():
    points = [(160, 180), (240, 180), (200, 230), (170, 270), (230, 270)]
    face = faces.from_five(130, 120, 140, 190, points, 0.9)
    assert face.centre == pytest.approx(180 + 0.66 * 50) and face.chin == pytest.approx(270 + 0.85 * 90)
    assert (face.left, face.right, face.confidence) == (130, 270, 0.9)
    aside = faces.from_five(130, 120, 140, 190, [(160, 180), (240, 180), (236, 230), (170, 270), (230, 270)], 0.9)
    assert aside.confidence < 0.2, "in profile the nose stands below an eye"


def test_landmarks_make_a_crop_a_contour_and_a_nose():
    mesh = numpy.zeros((478, 2), numpy.float32)
    mesh[list(faces.OVAL)] = sample.outline(0)
    mesh[faces.BRIDGE], mesh[4] = (192, 232), (192, 255)
    mesh[list(faces.EYE_OUTER)] = [(150, 210), (234, 210)]
    mesh[faces.CHIN] = (192, 348)
    face = faces.from_mesh(mesh)
    assert (face.centre, face.chin, face.confidence) == (232, 348, 1)
    assert face.left == pytest.approx(100, abs=1) and face.right == pytest.approx(284, abs=1)
    assert face.contour.shape == (36, 2) and face.nose.shape == (8, 2)
    assert len(set(faces.OVAL)) == 36 and faces.OVAL[18] == faces.CHIN, "in order round the face"


def test_opencvs_yunet_runs_a_file_of_its_kind_and_finds_the_drawn_face(tmp_path, sample_clip):
    finder = find.YuNet(tiny_yunet.write(tmp_path / "face_detection_yunet_2026may.onnx"))
    found = track.make(sample_clip, finder)
    assert found.seen == 1 and found.points is None
    for i in (0, 20, 40):
        real, seen = sample.face(i), found.face(i)
        assert abs(seen.middle[0] - real.middle[0]) < 24 and abs(seen.centre - real.centre) < 24
    draw = drawing().draw
    two = numpy.hstack([draw(0), draw(0)])
    assert len(finder.find(two, 0)) == 2
    assert finder.find(numpy.full((448, 384, 3), 90, numpy.uint8), 0) == []


def test_a_pointer_instead_of_the_detector_and_a_foreign_file_are_a_sentence(tmp_path):
    pointer = tmp_path / "face_detection_yunet_2026may.onnx"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 233000\n")
    with pytest.raises(Stop, match="has .* bytes, so it is not the detector"):
        find.YuNet(pointer)
    pointer.write_bytes(b"x" * 5000)
    with pytest.raises(Stop, match="cannot load"):
        find.YuNet(pointer)


def test_mediapipes_model_is_only_taken_with_the_known_hash(tmp_path, monkeypatch):
    path = tmp_path / "face_landmarker.task"
    data = b"a model"
    served = tmp_path / "served"
    served.write_bytes(data)
    monkeypatch.setattr(registry, "LANDMARKER", (served.as_uri(), hashlib.sha256(b"another").hexdigest()))
    with pytest.raises(Stop, match="not the one that was known"):
        find.landmarker(tmp_path)
    assert not path.exists()
    monkeypatch.setattr(registry, "LANDMARKER", (served.as_uri(), hashlib.sha256(data).hexdigest()))
    assert find.landmarker(tmp_path).read_bytes() == data
    served.unlink()
    assert find.landmarker(tmp_path) == path, "fetched once"
    path.write_bytes(b"altered")
    with pytest.raises(Stop, match="cannot be fetched"):
        find.landmarker(tmp_path)


@pytest.fixture(scope="module")
def mediapipe(compiled):
    """The real package, where `python build.py overlays` has put it."""
    pair = next(p for p in compiled.pairs if p.source.name == "lip_sync" and p.platform.id == "local")
    folder = overlay.bare(compiled, pair)
    if not folder.is_dir():
        assert not os.environ.get("CI"), "CI needs the packages without dependencies: python build.py overlays"
        pytest.skip("MediaPipe is not on this machine: python build.py overlays")
    sys.path.append(str(folder))
    yield pytest.importorskip("mediapipe.tasks.python.vision")
    sys.path.remove(str(folder))


def test_the_points_of_the_faces_oval_are_mediapipes(mediapipe):
    lines = mediapipe.FaceLandmarksConnections.FACE_LANDMARKS_FACE_OVAL
    assert {p for line in lines for p in (line.start, line.end)} == set(faces.OVAL)
    ring = {(line.start, line.end) for line in lines} | {(line.end, line.start) for line in lines}
    assert all((a, b) in ring for a, b in zip(faces.OVAL, (*faces.OVAL[1:], faces.OVAL[0]), strict=True))


def test_mediapipe_with_a_file_that_is_no_model_is_a_sentence(mediapipe, tmp_path):
    (tmp_path / "x.task").write_bytes(b"no model")
    with pytest.raises(Stop, match="MediaPipe cannot be used here"):
        find.MediaPipe(tmp_path / "x.task")


def test_mediapipe_that_cannot_be_had_gives_way_to_yunet_and_says_so(tmp_path, monkeypatch, sample_clip, capsys):
    def gone(_):
        raise Stop("MediaPipe's face model cannot be fetched (no network)")

    monkeypatch.setattr(find, "landmarker", gone)
    monkeypatch.setattr(find, "_yunet", lambda _: tiny_yunet.write(tmp_path / "yunet.onnx"))
    assert find.choose("auto", "", sample_clip, places(tmp_path)).name == "yunet"
    assert "Taking YuNet, which knows no contour" in capsys.readouterr().out
    monkeypatch.setattr(find, "_yunet", gone)
    with pytest.raises(Stop, match="faces cannot be found here.*or give the face's place yourself, under BOX"):
        find.choose("auto", "", sample_clip, places(tmp_path))
    with pytest.raises(Stop, match="faces cannot be found here"):
        find.choose("mediapipe", "", sample_clip, places(tmp_path))
    with pytest.raises(Stop, match="no way to find faces called 'magic'"):
        find.choose("magic", "", sample_clip, places(tmp_path))


class Cascade:
    """scikit-image's LBP cascade: a box only. For the tests."""

    name = "cascade"

    def __init__(self):
        from skimage import data
        from skimage.feature import Cascade as Trained

        self.trained = Trained(data.lbp_frontal_face_cascade_filename())

    def find(self, frame, number):
        found = self.trained.detect_multi_scale(
            img=frame, scale_factor=1.2, step_ratio=1, min_size=(80, 80), max_size=(200, 200)
        )
        return [
            faces.from_box((f["c"], f["r"] + 0.15 * f["height"], f["c"] + f["width"], f["r"] + f["height"] * 1.05))
            for f in found
        ]


def test_a_photographed_face_is_found_and_only_its_mouth_would_change(tmp_path):
    from PIL import Image
    from skimage import data

    path = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    clip = video.look(path)
    found = track.make(clip, Cascade())
    face = found.face(0)
    assert abs(face.middle[0] - 225) < 25 and 60 < face.width < 180, "she looks out of the upper left"
    frame = next(video.read(clip))
    before, place = frame.copy(), crop.box(face, clip.width, clip.height)
    crop.blend(frame, numpy.zeros((64, 64, 3), numpy.uint8), place, crop.mask(face, place), match=False)
    changed = numpy.abs(frame.astype(int) - before).max(-1)
    x0, y0, x1, y1 = place
    assert changed[(y0 + y1) // 2 + 10 : y1 - 10, x0 + 20 : x1 - 20].mean() > 60
    changed[y0:y1, x0:x1] = 0
    assert changed.max() == 0


# --- the preview


def test_the_preview_says_what_will_be_made_and_its_picture_follows_the_look(tmp_path):
    from lipsync import plan

    folders = places(tmp_path)
    take, found, _ = take_of(folders, 2.0)
    lines = preview.report(take, found, plan.Plan(("cpu",), "float32", 8, 0.04, 2.0, False))
    assert "50 frames of 384 x 448, 2.0 s; 50 of them are painted" in lines[0]
    assert "184 pixels wide, seen in 100%" in lines[1] and "estimate" in lines[2]
    number, frame = preview.first(take, found)
    pictures = [preview.figure(frame, found.face(number), look) for look in (Look(), Look(shift=20), Look(cheeks=0.6))]
    drawn = []
    for picture in pictures:
        picture.savefig(tmp_path / "p.png")
        drawn.append((tmp_path / "p.png").read_bytes())
    assert len(set(drawn)) == 3
    chosen = preview.sliders(take, found, tmp_path / "preview.png", Look(shift=3))
    assert chosen.look.shift == 3 and (tmp_path / "preview.png").is_file()
    nobody = replace(found, rows=found.rows * 0)
    with pytest.raises(Stop, match="no face was found"):
        preview.first(take, nobody)


class Slider:
    """As much of a widget as the preview uses."""

    def __init__(self, value=0, *bounds, **more):
        self.value, self.told = value, []

    def observe(self, call, names):
        self.told.append(call)

    def move(self, value):
        self.value = value
        for call in self.told:
            call({})


def test_a_slider_that_moves_changes_what_the_next_cells_take(tmp_path, monkeypatch):
    pytest.importorskip("IPython")
    made = []

    def slider(*given, **more):
        made.append(Slider(*given, **more))
        return made[-1]

    stand = SimpleNamespace(
        IntSlider=slider, FloatSlider=slider, Label=lambda text: SimpleNamespace(value=text), VBox=list
    )
    monkeypatch.setattr(preview, "_widgets", lambda: stand)
    take, found, _ = take_of(places(tmp_path), 1.0)
    chosen = preview.sliders(take, found, tmp_path / "p.png", Look())
    made[0].move(12)
    made[2].move(0.7)
    assert (chosen.look.shift, chosen.look.cheeks, chosen.look.margin) == (12, 0.7, 10)
    assert takes.relooked(take, chosen.look).key != take.key, "another look is another film"


def test_a_video_without_faces_stops_before_anything_is_kept(tmp_path, monkeypatch):
    folders = places(tmp_path)
    nobody = Told([[] for _ in range(50)])
    monkeypatch.setattr(find, "choose", lambda *_: nobody)
    face, said = sample.write(folders.work), tone(tmp_path / "a.wav", 1.0)
    with pytest.raises(Stop, match="no face was found"):
        takes.prepare("film", face, said, folders)
    assert not list(folders.outputs.rglob("*.npz"))
