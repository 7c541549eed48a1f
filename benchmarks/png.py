"""PNG files of Matplotlib figures, small enough to be committed."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

PALETTE = 64  # colours of a file; halves its size without a visible difference


def encode(figure, dpi):
    """Encode a figure as a PNG with few colours."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(PALETTE).save(buffer, "png", optimize=True)
    return buffer.getvalue()
