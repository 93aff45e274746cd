"""What documents are compared by: dedup keys of texts, their MinHash signatures, canonical addresses."""
