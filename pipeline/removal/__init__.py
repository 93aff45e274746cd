"""Taking away: documents that somebody asked to have removed, wherever they lie, and work that nothing needs any more."""
