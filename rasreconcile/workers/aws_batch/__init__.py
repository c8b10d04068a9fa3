"""The aws-batch worker: a job of AWS Batch for each run, whose run directory is objects in a bucket of S3."""
