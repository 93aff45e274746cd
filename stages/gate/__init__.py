"""The gate before the parser: what is known of a page from its bytes, its headers and its host, cheaply."""
