"""How gunicorn serves the worker.

`gunicorn -c python:services.worker.gunicorn_conf --bind 127.0.0.1:PORT "services.worker.app:create()"`

One process, as many threads as the daemon has connections (and one for health checks). A job may take an hour: the heartbeat
of a gthread worker does not depend on its requests. SIGTERM lets jobs reach their next safe point.
"""

worker_class = "gthread"
workers = 1
threads = 6
timeout = 60
graceful_timeout = 30
keepalive = 75
accesslog = None
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file must not wait for a disk
control_socket_disable = True
