"""What a fit decides: checks, targets, schedules, stopping, and the loop over epochs."""
