"""The research journal's claims, run again: objectives, tuned shapes and profiles compared on real bars."""
