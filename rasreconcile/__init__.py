"""Declare which HEC-RAS results must exist; rasreconcile makes it so and says why it did each thing."""

__version__ = "0.1.0"
