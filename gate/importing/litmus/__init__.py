"""LitmusChaos: ChaosEngine, ChaosExperiment, ChaosSchedule, EventTrackerPolicy, and the Argo Workflows around them."""
