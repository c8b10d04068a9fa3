"""Windows hosts behind a share: a resident agent in a desktop session takes up what is put there."""
