"""From what a recipe names to bytes at hand: files, lists, crawls, selections by index; HTTPS, S3 and local."""
