"""What the benchmarks of the escalation share: processes, recorded calls, faults."""
