"""Values of documents, of filters and of measures that a recipe brings, and the bounds over them."""
