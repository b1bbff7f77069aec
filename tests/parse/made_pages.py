# SPDX-License-Identifier: Apache-2.0
# made_pages - pages of PDFs made at random: what is painted on them, what may hide it, and the file around them.
import os
import random
import subprocess
import zlib

import numpy

from made_parts import Doc, Page, icc, numbers, picture, rgb_of, samples, set_colour, set_flat, shading, tint


# ---------------------------------------------------------------- what is painted

def rect(rnd):
    x, y = rnd.choice([20, 30, 45]), rnd.choice([20, 35, 50])
    return x, y, rnd.choice([60, 90, 120]), rnd.choice([50, 80, 110])


def paint_fill(page, coloured):
    x, y, w, h = rect(page.rnd)
    shape = page.rnd.choice(["re", "re", "triangle", "curve"])
    path = {"re": "%d %d %d %d re" % (x, y, w, h),
            "triangle": "%d %d m %d %d l %d %d l h" % (x, y, x + w, y, x, y + h),
            "curve": "%d %d m %d %d %d %d %d %d c h" % (x, y, x, y + h, x + w, y + h, x + w, y)}[shape]
    page.put(set_colour(page, coloured), path, page.rnd.choice(["f", "f*", "f"]))


def paint_stroke(page, coloured):
    x, y, w, h = rect(page.rnd)
    page.note("stroke")
    page.put(set_colour(page, coloured, True), "%d w %d %d m %d %d l S" % (page.rnd.choice([3, 8]), x, y, x + w, y + h))


def paint_text(page, coloured):
    x, y, _, _ = rect(page.rnd)
    kind = page.rnd.choice(["plain", "plain", "stroked", "type3", "type3-own"])
    page.note("text-" + kind)
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>"
    if kind.startswith("type3"):
        glyph = "10 0 d0 %s 0 0 8 8 re f" % set_flat(page, coloured) if kind == "type3-own" else \
            "10 0 0 0 8 8 d1 1 0 0 rg 0 0 8 8 re f"
        proc = page.doc.stream("", glyph)
        font = "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 10 10] /FontMatrix [0.1 0 0 0.1 0 0] /FirstChar 65 /LastChar 66 " \
            "/Widths [10 10] /Encoding << /Differences [65 /a /b] >> /Resources << >> /CharProcs << /a %d 0 R /b %d 0 R >> >>" \
            % (proc, proc)
    colour = "0 g" if kind == "type3-own" else set_colour(page, coloured, kind == "stroked")
    page.put("BT %s 40 Tf %s %s %d %d Td (ABBA) Tj ET" % (
        page.name("Font", font), colour, "1 Tr 3 w" if kind == "stroked" else "0 Tr", x, y))
    if kind == "stroked":
        page.put("BT 0 Tr ET")


def paint_image(page, coloured):
    x, y, w, h = rect(page.rnd)
    dictionary, data = picture(page, coloured)
    n = page.doc.stream("/Type /XObject /Subtype /Image " + dictionary + image_mask(page), data)
    page.put("q %d 0 0 %d %d %d cm %s Do Q" % (w, h, x, y, page.name("XObject", "%d 0 R" % n)))


def image_mask(page):
    if page.rnd.random() < 0.7:
        return ""
    kind = page.rnd.choice(["smask-half", "smask-edge", "stencil"])
    page.note(kind)
    a = numpy.full((16, 16), 128, numpy.uint8)
    if kind == "smask-edge":
        a[:] = 0
        a[:, :2] = 255
    if kind == "stencil":
        n = page.doc.stream("/Type /XObject /Subtype /Image /ImageMask true /Width 16 /Height 16 /BitsPerComponent 1",
                            numpy.packbits(a < 130, axis=1).tobytes())
        return " /Mask %d 0 R" % n
    n = page.doc.stream("/Type /XObject /Subtype /Image /Width 16 /Height 16 /ColorSpace /DeviceGray /BitsPerComponent 8",
                        a.tobytes())
    return " /SMask %d 0 R" % n


def paint_stencil(page, coloured):
    x, y, w, h = rect(page.rnd)
    page.note("stencil-paint")
    page.put(set_colour(page, coloured), "q %d 0 0 %d %d %d cm BI /W 8 /H 8 /IM true /BPC 1 ID" % (w, h, x, y),
             "\x0f\x0f\x0f\x0f\xf0\xf0\xf0\xf0\nEI Q")


def paint_inline(page, coloured):
    x, y, w, h = rect(page.rnd)
    rgb = samples(page.rnd, coloured, 12, 8)
    page.note("inline")
    data = zlib.compress(rgb.tobytes())
    page.put("q %d 0 0 %d %d %d cm BI /W 12 /H 8 /CS /RGB /BPC 8 /F [/AHx /Fl] ID" % (w, h, x, y), data.hex() + ">", "EI Q")


def paint_shading(page, coloured):
    x, y, w, h = rect(page.rnd)
    page.put("q %d %d %d %d re W n %s sh Q" % (x, y, w, h, page.name("Shading", shading(page, coloured))))


def paint_form(page, coloured):
    sub = page.sub()
    page.note("form")
    paint(sub, coloured)
    group = page.rnd.choice(["", "", "/Group << /S /Transparency >>", "/Group << /S /Transparency /I true /CS /DeviceRGB >>",
                             "/Group << /S /Transparency /K true >>"])
    n = page.form("/BBox [0 0 200 200] %s" % group, sub)
    page.put("q %s Do Q" % page.name("XObject", "%d 0 R" % n))


def paint(page, coloured):
    what = page.rnd.choice([paint_fill, paint_fill, paint_stroke, paint_text, paint_image, paint_image, paint_image,
                            paint_inline, paint_shading, paint_form, paint_stencil])
    page.put("q")
    what(page, coloured)
    page.put("Q")


# ---------------------------------------------------------------- what hides it

def group(page, dictionary, content, resources="<< >>"):
    return page.doc.stream("/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources %s %s" % (resources, dictionary), content)


def hide_smask(page, coloured):
    kind = page.rnd.choice(["Luminosity", "Alpha", "aside", "backdrop", "half", "transfer", "black", "picture", "dark-picture"])
    page.note("smask-" + kind)
    cs = "/Group << /S /Transparency /CS /DeviceGray >>"
    content, more = {"Luminosity": ("1 g 0 0 200 200 re f", ""), "Alpha": ("", ""), "aside": ("1 g 190 190 9 9 re f", ""),
                     "backdrop": ("", "/BC [1]"), "half": ("0.5 g 0 0 200 200 re f", ""),
                     "transfer": ("0 g 0 0 200 200 re f", "/TR << /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>"),
                     "black": ("0 g 0 0 200 200 re f", ""), "picture": ("200 0 0 200 0 0 cm /M Do", ""),
                     "dark-picture": ("200 0 0 200 0 0 cm /M Do", "")}[kind]
    resources = "<< >>"
    if "picture" in kind:
        m = page.doc.stream("/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8",
                            bytes([255 if kind == "picture" else 0] * 64))
        resources = "<< /XObject << /M %d 0 R >> >>" % m
    n = group(page, cs, content, resources)
    page.put("%s gs" % page.name("ExtGState", "<< /SMask << /Type /Mask /S /%s /G %d 0 R %s >> >>" % (
        "Alpha" if kind == "Alpha" else "Luminosity", n, more)))
    paint(page, coloured)


def hide_cover(page, coloured):
    kind = page.rnd.choice(["white", "gray", "image", "small", "beside", "transparent", "form", "exact"])
    page.note("cover-" + kind)
    if kind == "exact":
        page.put("%s 30 30 80 80 re f 1 g 30 30 80 80 re f" % set_flat(page, coloured))
        return
    paint(page, coloured)
    if kind == "image":
        n = page.doc.stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", b"\x90")
        page.put("q 200 0 0 200 0 0 cm %s Do Q" % page.name("XObject", "%d 0 R" % n))
        return
    if kind == "form":
        n = page.doc.once("cover", lambda: group(page, "", "1 g 0 0 200 200 re f"))
        page.put("%s Do" % page.name("XObject", "%d 0 R" % n))
        return
    page.put("q", {"white": "1 g 0 0 200 200 re f", "gray": "0.5 g 0 0 200 200 re f", "small": "1 g 40 40 20 20 re f",
                   "beside": "1 g 0 0 10 200 re f",
                   "transparent": "%s gs 1 g 0 0 200 200 re f" % page.name("ExtGState", "<< /ca 0.5 >>")}[kind], "Q")


def hide_clip(page, coloured):
    kind = page.rnd.choice(["rect", "triangle", "empty", "point", "two", "text", "text-blank", "nested", "inside"])
    page.note("clip-" + kind)
    font = page.name("Font", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>") if "text" in kind else ""
    page.put({"rect": "185 185 10 10 re W n", "triangle": "190 20 m 199 20 l 199 190 l h W n", "empty": "W n",
              "point": "50 50 0 0 re W n", "two": "185 10 10 10 re 185 185 10 10 re W n",
              "text": "BT %s 12 Tf 7 Tr 150 185 Td (AB) Tj ET" % font, "text-blank": "BT %s 12 Tf 7 Tr 50 50 Td (  ) Tj ET" % font,
              "nested": "0 0 100 200 re W n 110 0 90 200 re W n", "inside": "10 10 180 180 re W n"}[kind])
    if "text" in kind:
        page.put("BT 0 Tr ET")
    paint(page, coloured)


def hide_state(page, coloured):
    kind = page.rnd.choice(["ca0", "ca1", "ca-half", "tr3", "blank", "off-page", "oc-off", "oc-on", "oc-print", "oc-view", "ocmd",
                            "ve", "scale0", "overprint", "bbox", "zoom"])
    page.note(kind)
    if kind.startswith("ca"):
        a = {"ca0": 0, "ca1": 1, "ca-half": 0.5}[kind]
        page.put("%s gs" % page.name("ExtGState", "<< /ca %g /CA %g >>" % (a, a)))
        paint(page, coloured)
    elif kind in ("tr3", "blank", "zoom"):
        font = page.name("Font", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>")
        page.put("BT %s 30 Tf %s %s 30 80 Td (%s) Tj ET BT 0 Tr 100 Tz ET" % (
            font, set_flat(page, coloured), {"tr3": "3 Tr", "blank": "", "zoom": "0 Tz"}[kind], "  " if kind == "blank" else "ABBA"))
    elif kind == "off-page":
        page.put("1 0 0 1 400 0 cm")
        paint(page, coloured)
    elif kind.startswith("oc") or kind == "ve":
        which = {"oc-off": "off", "oc-on": "on", "oc-print": "print", "oc-view": "view", "ocmd": "md", "ve": "ve"}[kind]
        page.put("/OC %s BDC" % page.name("Properties", "%d 0 R" % layers(page.doc)[which]))
        paint(page, coloured)
        page.put("EMC")
    elif kind == "scale0":
        page.put("0 0 0 0 50 50 cm")
        paint(page, coloured)
    elif kind == "overprint":
        page.put("%s gs" % page.name("ExtGState", "<< /OP true /op true /OPM 1 >>"))
        paint(page, coloured)
    else:
        sub = page.sub()
        paint(sub, coloured)
        n = page.form("/BBox [%s]" % page.rnd.choice(["0 0 5 5", "0 0 0 0", "0 0 200 200"]), sub)
        page.put("%s Do" % page.name("XObject", "%d 0 R" % n))


def layers(doc):
    def make():
        n = {"off": doc.add("<< /Type /OCG /Name (off) >>"), "on": doc.add("<< /Type /OCG /Name (on) >>"),
             "print": doc.add("<< /Type /OCG /Name (p) /Usage << /Print << /PrintState /ON >> /View << /ViewState /OFF >> >> >>"),
             "view": doc.add("<< /Type /OCG /Name (v) /Usage << /Print << /PrintState /OFF >> /View << /ViewState /ON >> >> >>")}
        groups = " ".join("%d 0 R" % v for v in n.values())
        n["md"] = doc.add("<< /Type /OCMD /OCGs [%d 0 R %d 0 R] /P /AllOn >>" % (n["on"], n["off"]))
        n["ve"] = doc.add("<< /Type /OCMD /VE [/And [/Not %d 0 R] %d 0 R] >>" % (n["on"], n["on"]))
        events = " ".join("<< /Event /%s /OCGs [%d 0 R %d 0 R] /Category [/%s] >>" % (e, n["print"], n["view"], e)
                          for e in ("View", "Print"))
        doc.root += "/OCProperties << /OCGs [%s] /D << /OFF [%d 0 R] /Order [%s] /AS [%s] >> >>" % (
            groups, n["off"], groups, events)
        return n
    return doc.once("layers", make)


def hide_blend(page, coloured):
    mode = page.rnd.choice(["Multiply", "Screen", "Overlay", "Darken", "Lighten", "ColorDodge", "ColorBurn", "HardLight", "SoftLight",
                            "Difference", "Exclusion", "Hue", "Saturation", "Color", "Luminosity"])
    below = page.rnd.choice(["", "", "0.5 g 0 0 200 200 re f", "0 g 0 0 200 200 re f", "1 g 0 0 200 200 re f"])
    page.note("blend-%s over %s" % (mode, below[:3]))
    page.put(below, "%s gs" % page.name("ExtGState", "<< /BM /%s >>" % mode))
    paint(page, coloured)


def hide_group(page, coloured):
    cs = page.rnd.choice(["/DeviceGray", "/DeviceCMYK", "/DeviceRGB"])
    page.note("group-" + cs)
    sub = page.sub()
    paint(sub, coloured)
    n = page.form("/BBox [0 0 200 200] /Group << /S /Transparency /CS %s /I %s >>" % (cs, page.rnd.choice(["true", "false"])), sub)
    page.put("%s Do" % page.name("XObject", "%d 0 R" % n))


def hide_default(page, coloured):
    """Device colours that the resources replace."""
    kind = page.rnd.choice(["gray-to-tint", "rgb-to-icc", "rgb-to-gray", "gray-to-gray", "image", "image-gray", "cs"])
    page.note("default-" + kind)
    sub = page.sub()
    have = sub.resources.setdefault("ColorSpace", {})
    hue = rgb_of(page.rnd, coloured)
    if kind == "gray-to-tint":
        have["DefaultGray"] = "[/Separation /Spot /DeviceRGB %s]" % tint(page, hue, 1)
        sub.put("1 g 20 20 100 100 re f")
    elif kind == "rgb-to-icc":
        have["DefaultRGB"] = icc(page, 3)
        sub.put("%s rg 20 20 100 100 re f" % numbers(hue))
    elif kind in ("image", "image-gray"):
        n = 1 if kind == "image-gray" else 3
        f = page.doc.stream("/FunctionType 4 /Domain [0 1 0 1 0 1] /Range [0 1]", "{ add add 3 div }")
        have["DefaultGray"] = "[/Separation /Spot /DeviceRGB %s]" % tint(page, hue, 1)
        have["DefaultRGB"] = "[/DeviceN [/A /B /C] /DeviceGray %d 0 R]" % f
        image = page.doc.stream("/Type /XObject /Subtype /Image /Width 8 /Height 1 /ColorSpace /Device%s /BitsPerComponent 8" % (
            "Gray" if n == 1 else "RGB"), bytes(range(250, 242, -1)) if n == 1 else bytes(round(255 * c) for c in hue) * 8)
        sub.put("q 100 0 0 100 20 20 cm %s Do Q" % sub.name("XObject", "%d 0 R" % image))
    elif kind == "cs":
        have["DefaultGray"] = "[/Separation /Spot /DeviceRGB %s]" % tint(page, hue, 1)
        sub.put("/DeviceGray cs 1 sc 20 20 100 100 re f")
    elif kind == "gray-to-gray":
        have["DefaultGray"] = icc(page, 1)
        sub.put("0.3 g 20 20 100 100 re f")
    else:
        f = page.doc.stream("/FunctionType 4 /Domain [0 1 0 1 0 1] /Range [0 1]", "{ add add 3 div }")
        have["DefaultRGB"] = "[/DeviceN [/A /B /C] /DeviceGray %d 0 R]" % f
        sub.put("%s rg 20 20 100 100 re f" % numbers(rgb_of(page.rnd, coloured)))
    n = page.form("/BBox [0 0 200 200]", sub)
    page.put("%s Do" % page.name("XObject", "%d 0 R" % n))


def hide_annotation(page, coloured):
    kind = page.rnd.choice(["stamp", "hidden", "noview", "print", "square", "highlight", "link", "widget", "widget-bare", "state",
                            "freetext", "popup", "line", "ink", "button", "no-rect"])
    page.note("annot-" + kind)
    hue = rgb_of(page.rnd, coloured)
    sub = page.sub()
    paint(sub, coloured)
    n = page.form("/BBox [0 0 200 200]", sub)
    ap, common = "/AP << /N %d 0 R >>" % n, "/Type /Annot /Rect [20 20 160 160]"
    body = {"stamp": "/Subtype /Stamp /F 4 " + ap, "hidden": "/Subtype /Stamp /F 2 " + ap, "noview": "/Subtype /Stamp /F 32 " + ap,
            "print": "/Subtype /Stamp /F 0 " + ap, "square": "/Subtype /Square /F 4 /C [%s] /IC [%s]" % (numbers(hue), numbers(hue)),
            "highlight": "/Subtype /Highlight /F 4 /C [%s] /QuadPoints [20 160 160 160 20 20 160 20]" % numbers(hue),
            "link": "/Subtype /Link /F 4 /Border [0 0 3] /C [%s]" % numbers(hue),
            "widget": "/Subtype /Widget /F 4 /FT /Tx /T (w) " + ap,
            "widget-bare": "/Subtype /Widget /F 4 /FT /Tx /T (b) /V (text) /DA (/Helv 20 Tf %s rg) /MK << /BG [%s] >>" % (
                numbers(hue), numbers(hue)),
            "state": "/Subtype /Widget /F 4 /FT /Btn /T (s) /AS /%s /AP << /N << /On %d 0 R >> >>" % (
                page.rnd.choice(["On", "Off"]), n),
            "freetext": "/Subtype /FreeText /F 4 /DA (/Helv 20 Tf %s rg) /Contents (some text)" % numbers(hue),
            "popup": "/Subtype /Popup /F 4 /C [%s]" % numbers(hue), "line": "/Subtype /Line /F 4 /L [20 20 160 160] /BS << /W 5 >> /C [%s]"
            % numbers(hue), "ink": "/Subtype /Ink /F 4 /InkList [[20 20 60 160 160 60]] /BS << /W 5 >> /C [%s]" % numbers(hue),
            "button": "/Subtype /Widget /F 4 /FT /Btn /Ff 65536 /T (p) /MK << /CA (push) /BG [%s] >>" % numbers(hue),
            "no-rect": "/Subtype /Stamp /F 4 /Rect [50 50 50 50] " + ap}[kind]
    a = page.doc.add("<< %s %s >>" % (body, common if kind != "no-rect" else "/Type /Annot"))
    page.annots.append(a)
    if "widget" in kind or kind in ("state", "button"):
        page.doc.shared.setdefault("fields", []).append(a)


HIDES = [lambda p, c: paint(p, c), hide_smask, hide_cover, hide_clip, hide_state, hide_blend, hide_group, hide_default,
         hide_annotation]


def make_page(doc, seed):
    rnd = random.Random(seed)
    page = Page(doc, rnd)
    for _ in range(rnd.choice([0, 1])):  # something gray below
        page.put("0.5 g 5 5 10 10 re f")
    page.put("q")
    rnd.choice(HIDES)(page, rnd.random() < 0.7)
    page.put("Q")
    if rnd.random() < 0.3:
        page.put("q")
        paint(page, False)
        page.put("Q")
    media, attributes = "[0 0 200 200]", ""
    shape = rnd.choice(["", "", "", "", "rotate", "crop", "odd", "offset", "group"])
    if shape == "rotate":
        attributes = "/Rotate %d" % rnd.choice([90, 180, 270, -90, 450])
    elif shape == "crop":
        attributes = "/CropBox [%s]" % rnd.choice(["10 10 190 190", "-50 -50 120 100", "100 100 20 20", "20 20 120 199"])
    elif shape == "odd":
        media = rnd.choice(["[200 200 0 0]", "[0 0 200.5 199.25]", "[0 0 200 200.0001]"])
    elif shape == "offset":
        media, attributes = "[-10 -10 190 190]", ""
    elif shape == "group":
        attributes = "/Group << /S /Transparency /CS /DeviceRGB >>"
    if shape:
        page.note("page-" + shape)
    content = "\n".join(page.content).encode("latin-1")
    if rnd.random() < 0.2:
        cut = content.find(b"\n", len(content) // 2)
        parts = [doc.stream("", content[:cut]), doc.stream("", content[cut:])] if cut > 0 else [doc.stream("", content)]
        contents = "[%s]" % " ".join("%d 0 R" % n for n in parts)
    else:
        contents = "%d 0 R" % doc.stream("/Filter /FlateDecode", zlib.compress(content))
    annots = "/Annots [%s]" % " ".join("%d 0 R" % a for a in page.annots) if page.annots else ""
    n = doc.add("<< /Type /Page /Parent 2 0 R /MediaBox %s %s %s /Contents %s /Resources %s >>" % (
        media, attributes, annots, contents, page.resource_dict()))
    return n, page.notes


def make(folder, seed, pages):
    rnd, doc = random.Random("doc %s" % seed), Doc()
    made = [make_page(doc, "%s/%d" % (seed, i)) for i in range(pages)]
    if "fields" in doc.shared:
        doc.root += "/AcroForm << /Fields [%s] /DA (/Helv 12 Tf 0 g) /DR << /Font << /Helv << /Type /Font /Subtype /Type1 " \
            "/BaseFont /Helvetica >> >> >> >>" % " ".join("%d 0 R" % n for n in doc.shared["fields"])
    path, data = "%s/%s.pdf" % (folder, seed), doc.octets([n for n, _ in made])
    kind = rnd.choice(["plain", "plain", "xref-stream", "rc4", "aes", "aes256", "linear", "no-xref", "cut-end", "junk", "append",
                       "bad-length"])
    if kind == "no-xref":
        data = data.replace(b"startxref\n", b"startxref\n99")
    elif kind == "cut-end":
        data = data[:data.rindex(b"xref\n0 ")]
    elif kind == "junk":
        data = b"some junk\n" * 20 + data
    elif kind == "bad-length":
        data = data.replace(b"/Length ", b"/Length 9", 3)
    elif kind == "append":
        at = data.rindex(b"startxref\n")
        start = int(data[at + 10:].split()[0])
        obj = len(data)
        data += b"2000 0 obj\n(new)\nendobj\nxref\n2000 1\n%010d 00000 n \ntrailer\n<< /Size 2001 /Root 1 0 R /Prev %d >>\n" \
            b"startxref\n%d\n%%%%EOF\n" % (obj, start, obj + len(b"2000 0 obj\n(new)\nendobj\n"))
    open(path, "wb").write(data)
    how = {"xref-stream": ["--object-streams=generate"], "rc4": ["--allow-weak-crypto", "--encrypt", "", "o", "128", "--"],
           "aes": ["--encrypt", "", "o", "128", "--use-aes=y", "--"], "aes256": ["--encrypt", "", "o", "256", "--"],
           "linear": ["--linearize"]}.get(kind)
    if how:
        subprocess.run(["qpdf", "--no-warn"] + how + [path, path + ".q"], check=False, stderr=subprocess.DEVNULL)
        if os.path.exists(path + ".q"):
            os.rename(path + ".q", path)
    return path, kind, [notes for _, notes in made]
