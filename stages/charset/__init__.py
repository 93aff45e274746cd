"""From bytes to text: which of them are Japanese, in which encoding, and what they say even where they are broken."""
