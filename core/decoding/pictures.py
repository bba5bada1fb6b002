"""Pictures: checked before they are decoded, and written anew, so that nothing but what is seen is kept."""

from __future__ import annotations

import re
import warnings
from io import BytesIO

from PIL import Image, ImageCms, JpegImagePlugin

from core.decoding.refusals import Refused

MAX_PIXELS = 40_000_000  # a telephone's picture has 12 to 16 million; 40 need 160 MB as they are decoded
MAX_SIDE = 30_000  # browsers show no more, and JPEG ends at 65,535
JPEG_QUALITY = 88  # no visible loss against what a telephone writes
SMALL_QUALITY = 80
FORMATS = ("JPEG", "PNG", "GIF")
ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4: how the picture must be turned
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # more than 8 bits of grey, as X-ray pictures have

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def check(data: bytes) -> tuple[bytes, str, int, int]:
    """Return the picture written anew, its type, width and height.

    EXIF (with the place it was taken), colour profiles and whatever follows the picture are left out; it is turned
    upright and its colours are sRGB. JPEG and PNG stay what they are; of a GIF the first picture is kept, as PNG.

    Raises:
        Refused: picture_pixels, picture_broken.
    """
    image, sampling = _open(data)
    out = BytesIO()
    if image.format in ("JPEG", "MPO"):
        upright = _upright(image)
        _plain(upright).save(out, "JPEG", quality=JPEG_QUALITY, optimize=True, subsampling=sampling)
        return out.getvalue(), "image/jpeg", *upright.size
    upright = _upright(image)
    upright.save(out, "PNG")
    return out.getvalue(), "image/png", *upright.size


def crop_square(data: bytes, *, box: tuple[int, int, int] | None, size: int) -> bytes:
    """Return a square of a picture as JPEG of `size` pixels or less; `box` is left, top and side, else its middle.

    Raises:
        Refused: picture_pixels, picture_broken.
    """
    image = _plain(_upright(_open(data)[0]))
    width, height = image.size
    shorter = min(width, height)
    if box is None:
        left, top, side = (width - shorter) // 2, (height - shorter) // 2, shorter
    else:
        side = min(max(box[2], 1), shorter)
        left, top = min(max(box[0], 0), width - side), min(max(box[1], 0), height - side)
    wanted = min(size, side)
    square = image.resize(
        (wanted, wanted), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side), reducing_gap=3
    )
    return _jpeg(square, JPEG_QUALITY)


def thumbnail(data: bytes, *, side: int) -> bytes:
    """Return a picture as JPEG of which no side is longer than `side` pixels.

    Raises:
        Refused: picture_pixels, picture_broken.
    """
    image = _plain(_upright(_open(data)[0]))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _jpeg(image, SMALL_QUALITY)


def _open(data: bytes) -> tuple[Image.Image, int]:
    """Return the decoded first picture and how its colours were sampled."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # small faults of a file that can be read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=FORMATS)
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise Refused("picture_pixels", pixels=width * height)
            sampling = JpegImagePlugin.get_sampling(image) if image.format in ("JPEG", "MPO") else -1
            image.load()
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = int((re.findall(r"\d+", str(error)) or ["0"])[0])
        raise Refused("picture_pixels", pixels=pixels) from None
    except Exception:  # decoders raise whatever they like on broken bytes
        raise Refused("picture_broken") from None
    return image, max(sampling, 0)


def _upright(image: Image.Image) -> Image.Image:
    """Return the picture turned as it was taken, in sRGB, with nothing beside its pixels."""
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # EXIF that cannot be read turns nothing
        turn = None
    profile = image.info.get("icc_profile")
    see_through = "transparency" in image.info
    upright = _in_srgb(image, profile)
    if upright.mode == "P" and see_through:
        upright = upright.convert("RGBA")
    upright = upright.transpose(turn) if turn is not None else upright.copy()
    upright.info = {}
    return upright


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except Exception:  # a profile that cannot be used is left out, like every other one
        return image
    return turned or image


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture in grey or in colour, as JPEG can hold it; what is see-through becomes white."""
    if image.mode in _DEEP:
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("RGBA", "LA", "PA"):
        clear = image.convert("RGBA")
        paper = Image.new("RGB", clear.size, "white")
        paper.paste(clear, mask=clear.getchannel("A"))
        return paper
    return image.convert("RGB")


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
