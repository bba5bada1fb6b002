"""Files as people and attackers send them, made here so that none has to be kept."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib

from PIL import Image, ImageCms
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

EXIF_ORIENTATION, EXIF_GPS, EXIF_MAKER = 0x0112, 0x8825, 0x010F


def pattern(width=64, height=48, mode="RGB"):
    """A picture in which every corner has a colour of its own."""
    image = Image.new("RGB", (width, height), (200, 200, 200))
    half = (width // 2, height // 2)
    for at, colour in (((0, 0), (250, 0, 0)), ((half[0], 0), (0, 250, 0)), ((0, half[1]), (0, 0, 250))):
        image.paste(colour, (*at, at[0] + half[0], at[1] + half[1]))
    return image.convert(mode)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(width=64, height=48, **options):
    return saved(pattern(width, height), "JPEG", **options)


def png(width=64, height=48, mode="RGB", **options):
    return saved(pattern(width, height, mode), "PNG", **options)


def gif(frames=1):
    pictures = [pattern(64, 48, "P") for _ in range(frames)]
    for number, picture in enumerate(pictures):
        picture.putpixel((number % 64, 0), number % 255)
    return saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:])


def photo_with_place(orientation=6):
    """A telephone's photo: turned, with the place it was taken."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    exif[EXIF_MAKER] = "CANARY-CAMERA"
    exif.get_ifd(EXIF_GPS)[1] = "N"
    exif.get_ifd(EXIF_GPS)[29] = "CANARY-2026:01:01"
    return jpeg(64, 48, exif=exif, comment=b"CANARY-COMMENT", icc_profile=b"CANARY-PROFILE")


def profile_with_red_and_blue_changed():
    """sRGB under another name, with the entries of red and blue in each other's place."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for one, other in ((b"rXYZ", b"????"), (b"bXYZ", b"rXYZ"), (b"????", b"bXYZ")):
        profile = profile.replace(one, other, 1)
    return profile.replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be")).replace(b"sRGB built", b"xRGB built")


def declared_png(width, height):
    """A few bytes that say they are a picture of this size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    pixels = zlib.compress(b"\x00" * 1000)
    chunk = b"IDAT" + pixels
    data = struct.pack(">I", len(pixels)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + header + data + end


def declared_gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + gif()[10:]


def zip_of(text=b"CANARY-ZIP"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("canary.txt", text)
    return out.getvalue()


def pdf(pages=1, change=None, **options):
    """A PDF; `change` may do something to the writer first."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(210, 297)
    if change:
        change(writer)
    if options.get("password"):
        writer.encrypt(user_password=options["password"][0], owner_password=options["password"][1])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def dictionary(**entries):
    return DictionaryObject({NameObject(f"/{key}"): value for key, value in entries.items()})


def name(text):
    return NameObject(f"/{text}")


def action(kind, **entries):
    return dictionary(Type=name("Action"), S=name(kind), **entries)


def at_start(what):
    def change(writer):
        writer.root_object[name("OpenAction")] = what

    return change


def on_page(entry, what):
    def change(writer):
        writer.pages[0][name(entry)] = what

    return change


def annotation(**entries):
    box = ArrayObject([NumberObject(0), NumberObject(0), NumberObject(9), NumberObject(9)])

    def change(writer):
        link = dictionary(Type=name("Annot"), Rect=box, **entries)
        writer.pages[0][name("Annots")] = ArrayObject([writer._add_object(link)])

    return change


def unused(what):
    """An object that nothing leads to."""

    def change(writer):
        writer._add_object(what)

    return change


def in_object_stream(text):
    """A PDF 1.5 whose objects are packed: the bytes of `text` are nowhere to be seen in the file."""
    objects = {1: "<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>", 2: "<</Type/Pages/Kids[3 0 R]/Count 1>>",
               3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", 4: text}  # fmt: skip
    offsets, body = [], ""
    for number, source in objects.items():
        offsets.append(f"{number} {len(body)}")
        body += source + " "
    first = " ".join(offsets) + " "
    packed = zlib.compress((first + body).encode())
    out = b"%PDF-1.5\n"
    stream_at = len(out)
    out += (
        f"5 0 obj<</Type/ObjStm/N {len(objects)}/First {len(first)}/Filter/FlateDecode/Length {len(packed)}>>stream\n"
    ).encode()
    out += packed + b"\nendstream endobj\n"
    table_at = len(out)
    rows = b"\x00\x00\x00\x00"
    for index in range(len(objects)):
        rows += struct.pack(">BHB", 2, 5, index)
    rows += struct.pack(">BHB", 1, stream_at, 0) + struct.pack(">BHB", 1, table_at, 0)
    out += (f"6 0 obj<</Type/XRef/Size 7/W[1 2 1]/Root 1 0 R/Length {len(rows)}>>stream\n").encode()
    return out + rows + b"\nendstream endobj\nstartxref\n" + str(table_at).encode() + b"\n%%EOF\n"


def script(text="app.alert(1)"):
    return action("JavaScript", JS=TextStringObject(text))


def in_names(writer):
    """A script that runs when the document is opened, by its table of names."""
    entries = ArrayObject([TextStringObject("a"), writer._add_object(script())])
    writer.root_object[name("Names")] = dictionary(JavaScript=dictionary(Names=entries))


def with_attachment(writer):
    writer.add_attachment("canary.txt", b"CANARY-ATTACHMENT")


def stream(data, **entries):
    made = DecodedStreamObject()
    made.set_data(data)
    for key, value in entries.items():
        made[NameObject(f"/{key}")] = value
    return made


def mutated(data, seed):
    """The same bytes with a few of them changed, cut, doubled or moved."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(changed))
        match chance.randrange(6):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                del changed[at : at + chance.randint(1, 40)]
            case 3:
                changed[at:at] = changed[at : at + chance.randint(1, 40)]
            case 4:
                changed[at : at + 4] = struct.pack(">I", chance.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 65535]))
            case _:
                changed[at:at] = chance.randbytes(chance.randint(1, 20))
        if not changed:
            break
    return bytes(changed)
