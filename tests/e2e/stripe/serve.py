"""Serves localstripe on a free port of loopback, and says which.

What it serves is localstripe's own: its resources, its charges, its signed webhooks. With the
argument `checkout`, the resource of checkout.py is there as well.
"""

import socket
import sys

from aiohttp import web
from localstripe import resources

# localstripe keeps everything in one file in /tmp, for all programs on the machine. Tests do not.
resources.Store.dump_to_disk = lambda self: None

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.bind(('127.0.0.1', 0))
url = 'http://127.0.0.1:%d' % sock.getsockname()[1]

if 'checkout' in sys.argv[1:]:
    # Before the server is loaded, which takes over what is registered then.
    import checkout
    checkout.register(url)

from localstripe.server import app  # noqa: E402

if 'checkout' in sys.argv[1:]:
    checkout.add_to(app)

sock.listen(64)
print('listening on ' + url, flush=True)
web.run_app(app, sock=sock, print=None, access_log=None)
