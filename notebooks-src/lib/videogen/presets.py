"""Styles and example prompts, as data. A style adds words to a prompt; it never takes any away."""

STYLES = {
    "none": "",
    "cinema": "cinematic lighting, shallow depth of field, slow camera movement, film grain",
    "reportage": "natural light, handheld camera, realistic colours, documentary footage",
    "cartoon": "hand-drawn animation, clean outlines, flat colours, expressive movement",
    "clay": "stop-motion clay animation, visible fingerprints, miniature set, soft studio light",
    "aquarelle": "watercolour painting in motion, paper texture, bleeding colours, soft edges",
    "night": "at night, neon reflections, wet streets, high contrast",
    "vintage": "1970s super 8 film, faded colours, light leaks, gentle flicker",
    "product": "product shot on a turntable, seamless background, soft boxes, sharp focus",
}

# written for the model: what is seen, what moves, how the camera moves, the light; one or two sentences
TEMPLATES = {
    "lighthouse": "A red and white lighthouse on a cliff at dusk, its beam sweeping over the sea while waves break "
    "against the rocks. The camera flies slowly around it.",
    "cat": "A ginger cat walks along a sunny garden wall, its tail swaying, leaves moving in the wind behind it. The "
    "camera follows at its height.",
    "science": "A drop of blue ink falls into a glass of clear water and unfolds into swirling clouds, in slow motion, "
    "in front of a white background.",
    "history": "A steam train crosses a stone viaduct in a green valley, white smoke trailing behind it, seen from a "
    "hill in morning light.",
    "product": "A pair of blue running shoes turns slowly on a white pedestal, soft light sliding over the fabric.",
    "city": "People with umbrellas cross a busy street in the rain at night, car lights and shop signs reflected on "
    "the wet road, filmed from above.",
    "nature": "A hummingbird hovers at a red flower, its wings a blur, then flies off to the right. Close-up, soft "
    "green background.",
    "story": "A small wooden boat with a lantern drifts across a still lake under a starry sky, mist moving over the "
    "water.",
}


def styled(prompt: str, style: str) -> str:
    """A prompt with a style's words after it."""
    words = STYLES[style]
    return f"{prompt.rstrip().rstrip(',')}, {words}" if words else prompt
