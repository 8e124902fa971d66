"""Research: experiments walked forward, judged, looked into, tuned and calibrated."""
