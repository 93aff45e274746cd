"""From a recipe to committed partitions: the plan, the phases of a run, the scheduler, and how far it is."""
