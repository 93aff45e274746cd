"""MediaWiki dumps: pages out of the XML, and the text a reader sees out of the wikitext."""
