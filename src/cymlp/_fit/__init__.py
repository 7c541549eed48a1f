"""What a fit decides: checks, targets, schedules, stopping, the loop over epochs."""
