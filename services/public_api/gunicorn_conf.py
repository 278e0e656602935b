"""How gunicorn serves the public API.

`gunicorn -c python:services.public_api.gunicorn_conf --bind HOST:PORT "services.public_api.app:create()"`

Threads, because a request may wait for SQS; SIGTERM stops accepting and lets running requests end.
The keep-alive is longer than the load balancer's idle timeout, so that it is never the server that closes first.
"""

worker_class = "gthread"
workers = 2
threads = 16
timeout = 60
graceful_timeout = 30
keepalive = 75
max_requests = 0
accesslog = None
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file must not wait for a disk
control_socket_disable = True
