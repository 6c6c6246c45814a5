"""The video notebook with the quick test off: its models come from a stand-in of the hub under their real names."""

import json

from anylab.smoke import suite
from tests.smoke.test_variants import COMPILED, PAIRS, printed


def test_a_clip_is_made_with_weights_of_the_hub_in_the_oldest_platforms_versions(tmp_path, shared_cache):
    """Kaggle has the oldest libraries; `python build.py smoke video_generation --full` does all four."""
    pair = next(p for p in PAIRS if p.source.name == "video_generation" and p.platform.id == "kaggle")
    verdict = suite.one(COMPILED, pair, tmp_path, shared_cache, quick_test=False)
    assert verdict.fault == ""
    text = printed(verdict.notebook)
    for repo in ("FastVideo/FastWan2.1-T2V-1.3B-Diffusers", "Wan-AI/Wan2.2-TI2V-5B-Diffusers"):
        assert f"{repo}, commit " in text
    assert "1 of 1 clips, FastWan2.1 1.3B, 9 frames of 96 x 64" in text and "may I sell the result? yes" in text
    clip = json.loads(next(tmp_path.rglob("clips.json")).read_text())["clips"][0]
    assert clip["changes"] == [] and clip["forwards"] == 3
    assert len({commit.rpartition("@")[2] for commit in clip["commits"].values()}) == 2
    assert all(len(commit.rpartition("@")[2]) == 40 for commit in clip["commits"].values())
    assert not list(tmp_path.rglob("quick-test")), "a real run's results stand apart from a quick test's"
