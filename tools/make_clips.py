"""Make the audio clips of the waiting-room board: `python tools/make_clips.py`. Needs espeak-ng, sox and ffmpeg.

The chime is computed here; the words are spoken by espeak-ng's own Indonesian voice (no mbrola). What is spoken, and how
the clips are named, is `WORDS`; which of them a call needs is `scheduling.speech`.
"""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import tempfile
import wave
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "static" / "audio"
RATE = 22050
WORDS_PER_MINUTE = 135  # slower than speech: a waiting room is loud and echoes
PEAK_DB = -1.5  # of full scale, the same for each clip

# Clip -> what espeak-ng reads. Phonemes in [[ ]] where its spelling rules take another e than Indonesian does.
WORDS = {
    "nomor-antrean": "nomor antrean",
    "nomor": "nomor",
    "silakan-ke": "silakan ke",
    "nol": "nol",
    "satu": "satu",
    "dua": "dua",
    "tiga": "tiga",
    "empat": "[[@mp'at]]",
    "lima": "lima",
    "enam": "[[@n'am]]",
    "tujuh": "tujuh",
    "delapan": "[[d@l'apan]]",
    "sembilan": "[[s@mb'ilan]]",
    "sepuluh": "[[s@p'uluh]]",
    "sebelas": "[[s@b@l'as]]",
    "belas": "[[b@l'as]]",
    "puluh": "puluh",
    "seratus": "[[s@R2'atus]]",
    "ratus": "ratus",
    "pendaftaran": "pendaftaran",
    "perawat": "ruang perawat",
    "ruang": "ruang",
    "ruang-dokter": "ruang dokter",
    "loket": "[[l'okEt]]",
    "poli-umum": "poli umum",
    "poli-tht": "poli te ha te",
    "poli-gigi": "poli gigi",
    "poli-anak": "poli anak",
    "poli-kandungan": "poli kandungan",
    "poli-penyakit-dalam": "poli penyakit dalam",
    "laboratorium": "laboratorium",
    "radiologi": "radiologi",
    "farmasi": "farmasi",
    "kasir": "kasir",
    **{f"huruf-{letter}": letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"},
}
# Frequency in Hz, start and length in seconds: a falling third, as doorbells have it.
CHIME = ((659.26, 0.0, 0.9), (523.25, 0.45, 1.3))


def chime(path: Path) -> None:
    """Write two soft bell tones, each with its octave, fading away."""
    seconds = max(start + length for _hertz, start, length in CHIME)
    frames = []
    for index in range(int(seconds * RATE)):
        at, level = index / RATE, 0.0
        for hertz, start, length in CHIME:
            since = at - start
            if 0 <= since < length:
                fade = math.exp(-4.5 * since / length) * min(1.0, since / 0.008)
                level += fade * (math.sin(2 * math.pi * hertz * since) + 0.3 * math.sin(4 * math.pi * hertz * since))
        frames.append(struct.pack("<h", int(max(-1.0, min(1.0, level * 0.45)) * 32767)))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(b"".join(frames))


def speak(text: str, path: Path) -> None:
    """Write one word as espeak-ng says it, without the silence around it."""
    run("espeak-ng", "-v", "id", "-s", str(WORDS_PER_MINUTE), "-a", "180", "-g", "2", "-w", str(path), text)


def finish(raw: Path, clip: Path, scratch: Path) -> None:
    """Cut silence, even out the loudness, leave a short pause after it, and write it as MP3."""
    even = scratch / f"{clip.stem}.even.wav"
    cut, soft = ("silence", "1", "0.005", "0.4%"), ("fade", "t", "0.008")
    run("sox", str(raw), "-r", str(RATE), "-c", "1", str(even), "gain", "-n", "-6",
        *cut, *soft, "reverse", *cut, *soft, "reverse", "norm", str(PEAK_DB), "pad", "0.02", "0.07")  # fmt: skip
    run("ffmpeg", "-loglevel", "error", "-y", "-i", str(even), "-map_metadata", "-1", "-fflags", "+bitexact",
        "-codec:a", "libmp3lame", "-b:a", "48k", str(clip))  # fmt: skip


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    for program in ("espeak-ng", "sox", "ffmpeg"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: apt-get install espeak-ng sox ffmpeg")
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        for name in ("chime", *WORDS):
            raw = scratch / f"{name}.wav"
            if name == "chime":
                chime(raw)
            else:
                speak(WORDS[name], raw)
            finish(raw, TARGET / f"{name}.mp3", scratch)
    clips = sorted(TARGET.glob("*.mp3"))
    print(f"{len(clips)} clips, {sum(clip.stat().st_size for clip in clips)} bytes in {TARGET}")


if __name__ == "__main__":
    main()
