"""Language scores and token counts."""
