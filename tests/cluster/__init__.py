"""Ray, jobs and buckets."""
