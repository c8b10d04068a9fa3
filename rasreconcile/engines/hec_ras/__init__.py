"""HEC-RAS itself, as installed on the workers: Ras.exe on Windows or under Wine, its solvers on Linux."""
