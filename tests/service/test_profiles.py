"""Profiles as data: loading, refusing, resolving, layering."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reward_service.profiles import BadProfile, ProfileNotServed, Profiles, load_profiles, read_profile

PROFILE = {
    "name": "mine",
    "version": "1.2.3",
    "summary": "s",
    "source": "o",
    "weights": {"accuracy": 1, "format": 0.5},
}


def profile_bytes(**changes: object) -> bytes:
    return json.dumps({**PROFILE, **changes}).encode()


def test_default_and_curr_reft_are_shipped() -> None:
    profiles = load_profiles()
    assert profiles.resolve("default").weights == {"accuracy": 1, "format": 0}
    assert profiles.resolve("curr-reft@1").weights == {"accuracy": 1, "format": 1}


def test_curr_reft_scores_a_single_box_hard_and_binary_answers_as_binary() -> None:
    profile = load_profiles().resolve("curr-reft")
    assert {"single_mode": "hard"}.items() <= profile.layers("grounding", None)[0].items()
    assert profile.layers("choice", "binary")[-1] == {"kind": "binary"}


def test_the_reward_is_the_weighted_sum_of_the_components() -> None:
    profile = read_profile(profile_bytes(), "here")
    assert profile.reward({"accuracy": 0.5, "format": 1.0}) == 1.0


def test_the_digest_is_that_of_the_content_not_of_its_layout() -> None:
    compact = read_profile(profile_bytes(), "here")
    spaced = read_profile(json.dumps(dict(reversed(PROFILE.items())), indent=3).encode(), "there")
    other = read_profile(profile_bytes(weights={"accuracy": 1, "format": 0.6}), "here")
    assert compact.digest == spaced.digest != other.digest
    assert compact.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "Not A Name"}, "name"),
        ({"version": "1.0"}, "version"),
        ({"weights": {"accuracy": 1}}, "weights.format"),
        ({"weights": {"accuracy": 1, "format": 1, "style": 1}}, "weights.style"),
        ({"weights": {"accuracy": True, "format": 1}}, "weights.accuracy"),
        ({"options": {"chess": {}}}, "options.chess"),
        ({"options": {"grounding": {"iou_treshold": 0.5}}}, "options.grounding.iou_treshold"),
        ({"options": {"grounding": {"iou_threshold": 7}}}, "options.grounding.iou_threshold"),
        ({"stages": {"last": {}}}, "stages.last"),
        ({"stages": {"open": {"options": {"math": {"x": 1}}}}}, "stages.open.options.math.x"),
        ({"pass_accuracy": 2}, "pass_accuracy"),
        ({"group_weight": "sine"}, "group_weight"),
        ({"comment": "x"}, "comment"),
    ],
)
def test_a_bad_profile_is_refused_by_file_and_field(changes: dict[str, object], named: str) -> None:
    with pytest.raises(BadProfile, match=rf"^here\.json: {named}: (expected|unknown field)"):
        read_profile(profile_bytes(**changes), "here.json")


def test_a_profile_that_is_not_json_is_refused_by_file() -> None:
    with pytest.raises(BadProfile, match=r"^here\.json: Invalid JSON"):
        read_profile(b"{", "here.json")


def test_a_name_means_its_highest_version_and_a_pin_the_highest_of_its_major() -> None:
    versions = ("1.2.0", "1.10.0", "2.0.0")
    profiles = Profiles(read_profile(profile_bytes(version=version), "here") for version in versions)
    assert profiles.resolve("mine").version == "2.0.0"
    assert profiles.resolve("mine@1").version == "1.10.0"


@pytest.mark.parametrize("pin", ["mine@3", "mine@", "mine@1.2.3", "mine@x"])
def test_a_major_that_is_not_served_names_those_that_are(pin: str) -> None:
    with pytest.raises(ProfileNotServed, match=r"served: mine@1$"):
        Profiles([read_profile(profile_bytes(), "here")]).resolve(pin)


def test_an_unknown_name_names_all_that_is_served() -> None:
    with pytest.raises(ProfileNotServed, match="served: curr-reft@1, default@1"):
        load_profiles().resolve("curr-left")


def test_the_same_version_twice_is_refused() -> None:
    with pytest.raises(BadProfile, match=r"mine 1\.2\.3 is defined twice"):
        Profiles([read_profile(profile_bytes(), "a"), read_profile(profile_bytes(summary="t"), "b")])


def test_a_folder_adds_profiles(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(profile_bytes())
    (tmp_path / "notes.txt").write_text("not a profile")
    profiles = load_profiles(tmp_path)
    assert [profile.major for profile in profiles.all] == ["curr-reft@1", "default@1", "mine@1"]
