# What Slurm runs on a node: it starts the runner of one run directory, which will claim the run, or find it claimed.
umask 077
if [ -n "$SLURM_ARRAY_TASK_ID" ]; then
    run=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$folder/.arrays/$array/runs")
    # What slurmstepd has to say goes on into this file, under both names.
    ln "$folder/.arrays/$array/log.$SLURM_ARRAY_TASK_ID" "$folder/$run/slurm.log" 2>/dev/null
fi
# A shared file system may show a new folder some seconds later.
tries=0
until [ -n "$run" ] && [ -r "$folder/$run/runner.sh" ]; do
    if [ "$tries" -ge 30 ]; then
        echo "$folder/$run is not on $(hostname): worker_folder must be on a file system that all nodes share" >&2
        exit 66
    fi
    tries=$((tries + 1))
    sleep 1
    ls "$folder" >/dev/null 2>&1
done
cd "$folder/$run" || exit 66
if [ -n "$image" ]; then
    container=$(command -v apptainer || command -v singularity) || {
        echo "neither apptainer nor singularity is on $(hostname)" >>runner.err
        : >unclaimed
        exit 69
    }
    export RASRECONCILE_IMAGE
    "$container" exec --bind "$folder" "$image" sh "$folder/$run/runner.sh" "$folder/$run" \
        </dev/null >/dev/null 2>>runner.err
else
    sh "$folder/$run/runner.sh" "$folder/$run" </dev/null >/dev/null 2>>runner.err
fi
code=$?
# The runner was killed: what is left of its job ends with it. Not where the claim is that of another job.
if [ "$code" != 0 ] && grep -qx "job $SLURM_JOB_ID" started 2>/dev/null; then
    sh "$folder/$run/runner.sh" "$folder/$run" sweep
fi
exit "$code"
