"""Lines that many pages of a host share, counted over the whole run and left out of what is written."""
