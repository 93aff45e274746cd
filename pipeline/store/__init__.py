"""Where things lie: a folder or a bucket behind one small interface, and what is kept there outside the commit protocol."""
