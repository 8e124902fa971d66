"""Which settings forecast best inside training parts: studies that can be stopped, resumed and zoomed into."""
