"""What the store of market data holds, for the pages: listed from its manifests, checked in a process of its own."""
