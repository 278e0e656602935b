#!/bin/sh
# Run by Elastic Beanstalk as root, in the folder of the new version, with the environment's own variables, before that
# version is served. A failure here ends the deployment and leaves the old version serving.
set -eu
for folder in /var/app/venv/*/bin; do
  if [ -x "$folder/python" ]; then PATH="$folder:$PATH"; fi
done
# The environment's PYTHONPATH names the version that is served now, which does not know the new revisions.
PYTHONPATH="$PWD" exec python -m services.backend.migrate
