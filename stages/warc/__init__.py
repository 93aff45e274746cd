"""WARC files: their records, where they are damaged, and the HTTP messages inside."""
