"""What a notebook or a script does with a study: `import rasreconcile` gives all of it."""
