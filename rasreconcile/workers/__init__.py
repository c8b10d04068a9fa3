"""Workers: places that run jobs detached from this process."""
