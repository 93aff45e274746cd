"""The steps on the way of a document, each a pure function from committed rows to rows. `base` says what a stage is."""
