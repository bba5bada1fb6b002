"""The number grammar against an independent reading, and the clips it can name against the files that exist."""

import string
import wave
from pathlib import Path

import num2words
import pytest
from django.conf import settings

from scheduling.models import Stage, Station
from scheduling.speech import CLIPS, PLACE_OF_STAGE, call_clips, label_words, number_words

AUDIO = Path(settings.BASE_DIR) / "static" / "audio"


def read(words: list[str]) -> str:
    return " ".join(word.removeprefix("huruf-") for word in words)


def test_every_number_is_read_as_indonesian_has_it():
    for number in range(1000):
        assert read(number_words(number)) == num2words.num2words(number, lang="id")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("A-001", "a nol nol satu"),
        ("A-010", "a nol sepuluh"),
        ("A-011", "a nol sebelas"),
        ("A-012", "a nol dua belas"),
        ("A-100", "a seratus"),
        ("A-101", "a seratus satu"),
        ("A-111", "a seratus sebelas"),
        ("A-120", "a seratus dua puluh"),
        ("A-999", "a sembilan ratus sembilan puluh sembilan"),
        ("AB-045", "a b nol empat puluh lima"),
        ("R-1000", "r satu nol nol nol"),
        ("-007", "nol nol tujuh"),
        ("É-<b>", ""),
    ],
)
def test_labels(label, said):
    assert read(label_words(label)) == said


def test_a_label_is_its_letters_its_zeros_and_its_number():
    for number in range(1, 1000):
        zeros = "nol " * (3 - len(str(number)))
        assert read(label_words(f"BZ-{number:03d}")) == f"b z {zeros}{num2words.num2words(number, lang='id')}"


@pytest.mark.parametrize("number", [-1, 1000])
def test_other_numbers_are_refused(number):
    with pytest.raises(ValueError, match=str(number)):
        number_words(number)


def test_a_whole_call():
    said = call_clips("A-012", place=Station.Spoken.ROOM, place_number=3)
    assert said == ["nomor-antrean", "huruf-a", "nol", "dua", "belas", "silakan-ke", "ruang", "nomor", "tiga"]
    assert call_clips("A-012") == said[:5]
    assert call_clips("A-012", place="<script>") == said[:5]
    assert call_clips("A-012", place=Station.Spoken.CASHIER, place_number=0)[-1] == "kasir"


def test_every_stage_and_every_spoken_place_has_a_clip():
    assert set(PLACE_OF_STAGE) == set(Stage)
    assert {*Station.Spoken.values, *PLACE_OF_STAGE.values()} <= set(CLIPS)


def test_every_clip_that_a_call_can_name_exists_and_no_other():
    named = {"chime", "silakan-ke", "nomor"}
    for number in range(1, 1000):
        for letter in string.ascii_uppercase if number == 1 else "A":
            named.update(call_clips(f"{letter}-{number:03d}", place="ruang", place_number=number))
    named.update(Station.Spoken.values, PLACE_OF_STAGE.values())
    assert named == set(CLIPS)
    assert {clip.stem for clip in AUDIO.glob("*.mp3")} == named


def test_the_clips_are_mp3_files_and_small():
    clips = list(AUDIO.glob("*.mp3"))
    assert sum(clip.stat().st_size for clip in clips) < 1_500_000
    for clip in clips:
        content = clip.read_bytes()
        assert content[:3] == b"ID3" or content[0] == 0xFF, clip.name
        assert 1_500 < len(content) < 25_000, clip.name


def test_the_computed_chime_is_loud_enough_and_is_not_cut(tmp_path):
    from tools.make_clips import RATE, chime

    chime(tmp_path / "chime.wav")
    with wave.open(str(tmp_path / "chime.wav")) as sound:
        frames = sound.readframes(sound.getnframes())
        assert sound.getframerate() == RATE
    samples = [int.from_bytes(frames[at : at + 2], "little", signed=True) for at in range(0, len(frames), 2)]
    assert 8_000 < max(map(abs, samples)) < 32_767
    assert abs(samples[-1]) < 500, "it fades out"
