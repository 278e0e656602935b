"""How gunicorn serves the backend.

`gunicorn -c python:services.backend.gunicorn_conf --bind HOST:PORT "services.backend.app:create()"`
"""

worker_class = "gthread"
workers = 2
threads = 8
timeout = 60
graceful_timeout = 30
keepalive = 75
accesslog = None
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file must not wait for a disk
control_socket_disable = True
