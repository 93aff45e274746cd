"""WARC files and the HTTP messages inside: laws, damage, suites."""
