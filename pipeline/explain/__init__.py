"""Why a corpus is as it is, and what it would be otherwise: read from what a run has measured, without running it again."""
