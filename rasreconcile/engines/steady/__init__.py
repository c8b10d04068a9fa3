"""The built-in one-dimensional steady engine; `python -m rasreconcile.engines.steady PROJECT.prj NN` runs it."""
