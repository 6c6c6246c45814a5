"""Run compiled variants: on stand-ins of their platforms (`smoke`), and for real on this machine (`run`)."""
