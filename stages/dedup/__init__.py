"""Near-duplicates within a run: bands, components, keepers, each drop verified and in bounded memory."""
