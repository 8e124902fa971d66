"""A run's profile fitted on all that may be seen, as a bundle that says where and on whose word it trades."""
