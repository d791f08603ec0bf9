"""Goal images as objects of the running system: where they come from, whether they fit, and stages of several."""
