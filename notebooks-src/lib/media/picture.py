"""Pictures as people bring them, of any depth."""


def plain(picture):
    """Any image as RGB of 8 bits: 16 bits a channel are scaled (a plain conversion clips them to white), what is
    see-through becomes white."""
    import numpy as np
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, np.float64))
        top = next((top for top in (1.0, 255.0, 65535.0) if values.max() <= top and picture.mode == "F"), 65535.0)
        picture = Image.fromarray((values / max(top, values.max()) * 255).clip(0, 255).astype("uint8"))
    if picture.mode in ("RGBA", "LA", "P", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")
