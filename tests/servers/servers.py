# SPDX-License-Identifier: MIT
"""The servers: what each of them wants for its configuration, its command line, its environment and its end.

Each gets a socket that listens already, or opens it in its ordinary way. They stay in the foreground, keep to
their folder, and answer with their label, which says which generation has answered.
"""

import os
import shutil
import signal
import textwrap

import asking
from families import heeds, tree
from processes import until

SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/systemd:/lib/systemd"


def program(*names):
    """Where the first of these programs is. One that is missing is a failure, never a reason to skip."""
    for name in names:
        found = shutil.which(name, path=SEARCHED)
        if found:
            return found
    raise AssertionError(f"not installed: {' or '.join(names)}; see ci/builddeps --list servers")


class Server:
    kinds = ("tcp", "unix")
    words = ("-l",)  # how fdrecv gives it the socket, before SOCKSPEC
    drain = signal.SIGTERM  # it finishes what it has begun, and ends
    status = 0  # with that
    loses = False  # what it has accepted, all the same
    processes = 1

    def __init__(self, address, folder, label, opens=False):
        self.address = address
        self.folder = folder
        self.label = label
        self.opens = opens  # its socket by itself

    def write(self, name, text):
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        return str(path)

    def command(self):
        """Writes the configuration. The words to run."""
        raise NotImplementedError

    def ask(self):
        return asking.http(self.address)

    def is_ready(self, pids):
        """Whether these, its processes, heed their signals: of several, one that is still being made may lose the
        one that its master passes on. A single one that has answered does."""
        return self.processes == 1 or len(pids) == self.processes and all(heeds(pid, self.drain) for pid in pids)

    def await_readiness(self, process):
        until(lambda: self.is_ready(tree(process.pid)), f"all of {process} heed their signals")


class Nginx(Server):
    """What `listen` says must equal the address of the socket, or it opens another one.

    A socket that blocks would show with multi_accept: a worker waits in accept(2) and serves nobody meanwhile.
    """
    words = ("--dialect", "nginx", "-l")
    drain = signal.SIGQUIT
    processes = 3

    def command(self):
        listen = f"unix:{self.address.bare}" if self.address.is_unix else self.address.bare
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = self.write("nginx.conf", f"""\
            daemon off;
            worker_processes 2;
            pid {self.folder}/nginx.pid;
            error_log stderr;
            events {{ worker_connections 256; multi_accept on; }}
            http {{
                access_log off;
                {temporary}
                server {{ listen {listen}; location / {{ return 200 "{self.label}"; }} }}
            }}
            """)
        return [program("nginx"), "-e", "stderr", "-p", str(self.folder), "-c", path]


class Haproxy(Server):
    words = ("-f", "3")
    bind = "fd@3"
    mode = "-db"
    drain = signal.SIGUSR1

    def command(self):
        own = f"unix@{self.address.bare}" if self.address.is_unix else self.address.bare
        path = self.write("haproxy.cfg", f"""\
            global
                maxconn 256
            defaults
                mode http
                timeout connect 20s
                timeout client 20s
                timeout server 20s
            frontend web
                bind {own if self.opens else self.bind}
                http-request return status 200 content-type text/plain string "{self.label}"
            """)
        return [program("haproxy"), self.mode, "-f", path]


class HaproxyMaster(Haproxy):
    """A master and a worker; the number of the socket comes in a variable."""
    words = ("-E", "WEB")
    bind = "fd@${WEB}"
    mode = "-W"
    processes = 2

    def is_ready(self, pids):
        """When its worker runs, the master executes itself anew, and a signal meanwhile is lost."""
        with open(f"/proc/{pids[0]}/environ", "rb") as file:
            return b"HAPROXY_MWORKER_REEXEC=" in file.read() and super().is_ready(pids)


class Gunicorn(Server):
    """It looks at LISTEN_PID too."""
    processes = 3

    def await_readiness(self, process):
        """Its workers come one by one, with random pauses in between."""
        process.said("worker 1 is ready")
        process.said("worker 2 is ready")

    def command(self):
        configuration = self.write("gunicorn.conf.py", """\
            import sys
            workers = 2
            loglevel = "warning"

            def post_worker_init(worker):
                print(f"worker {worker.age} is ready", file=sys.stderr, flush=True)
            """)
        self.write("app.py", f"""\
            def app(environment, start_response):
                start_response("200 OK", [("Content-Length", "{len(self.label)}")])
                return [b"{self.label}"]
            """)
        own = f"unix:{self.address.bare}" if self.address.is_unix else self.address.bare
        return [program("gunicorn"), "--config", configuration, "--chdir", str(self.folder), "--worker-tmp-dir",
                str(self.folder), *(["--bind", own] if self.opens else []), "app:app"]


class Uvicorn(Server):
    """It closes connections whose request has not come yet."""
    words = ("-f", "3")
    loses = True

    def command(self):
        self.write("app.py", f"""\
            async def app(scope, receive, send):
                await send({{"type": "http.response.start", "status": 200,
                            "headers": [(b"content-length", b"{len(self.label)}")]}})
                await send({{"type": "http.response.body", "body": b"{self.label}"}})
            """)
        where = ["--fd", "3"]
        if self.opens:
            where = (["--uds", self.address.bare] if self.address.is_unix else
                     ["--host", self.address.host, "--port", str(self.address.port)])
        return [program("uvicorn"), *where, "--app-dir", str(self.folder), "--lifespan", "off", "--log-level",
                "warning", "app:app"]


class Lighttpd(Server):
    """It serves what is announced; without an address of its own it opens port 80 as well."""
    drain = signal.SIGINT
    bind = None

    def command(self):
        self.write("index.txt", self.label)
        where = (f'server.bind = "{self.address.bare}"\n' if self.address.is_unix else
                 f'server.bind = "{self.address.host}"\nserver.port = {self.address.port}\n')
        if not self.opens:
            where = self.bind or where + 'server.systemd-socket-activation = "enable"\n'
        path = self.write("lighttpd.conf", f'server.document-root = "{self.folder}"\n'
                          'index-file.names = ("index.txt")\n' + where)
        return [program("lighttpd"), "-D", "-f", path]


class LighttpdOnStdin(Lighttpd):
    words = ("-f", "0")
    bind = 'server.bind = "/dev/stdin"\n'


class Node(Server):
    """It has no signal that drains it, but a program may give it one."""
    words = ("-f", "3")

    def command(self):
        where = "{fd: 3}"
        if self.opens:
            where = f'"{self.address.bare}"' if self.address.is_unix else f'{self.address.port}, "{self.address.host}"'
        path = self.write("server.js", f"""\
            let ending = false;
            const server = require("http").createServer((request, response) => {{
                if (ending) response.setHeader("Connection", "close");
                response.end("{self.label}");
            }});
            server.listen({where});
            process.on("SIGTERM", () => {{
                ending = true;
                server.close(() => process.exit(0));
                server.closeIdleConnections();
            }});
            """)
        return [program("node", "nodejs"), path]


class PhpFpm(Server):
    """`listen` must equal the address that is announced. A pool of root's has to be another user's."""
    words = ("--dialect", "php-fpm", "-l")
    drain = signal.SIGQUIT
    processes = 3

    def is_ready(self, pids):
        """A child that still has its master's handlers ignores what they get; one of SIGCHLD is never its own."""
        return super().is_ready(pids) and not any(heeds(pid, signal.SIGCHLD) for pid in pids[1:])

    def command(self):
        self.write("index.php", '<?php echo getenv("LABEL");\n')
        self.folder.chmod(0o711)
        path = self.write("php-fpm.conf", f"""\
            [global]
            daemonize = no
            error_log = {self.folder}/php-fpm.log
            log_level = notice
            pid = {self.folder}/php-fpm.pid
            process_control_timeout = 20
            [www]
            listen = {self.address.bare}
            pm = static
            pm.max_children = 2
            env[LABEL] = "{self.label}"
            {"user = nobody" if os.geteuid() == 0 else ""}
            {"group = nogroup" if os.geteuid() == 0 else ""}
            """)
        return [program("php-fpm", "php-fpm8.2", "php-fpm8.3", "php-fpm8.4"), "-n", "-F", "-y", path]

    def ask(self):
        return asking.fastcgi(self.address, f"{self.folder}/index.php")


class Perl(Server):
    """What is written for Server::Starter, without its start_server."""
    words = ("--dialect", "server-starter", "-l")

    def command(self):
        path = self.write("server.pl", f"""\
            use strict;
            use warnings;
            use IO::Socket::INET;
            use IO::Socket::UNIX;
            use Server::Starter qw(server_ports);
            my $class = "{'IO::Socket::UNIX' if self.address.is_unix else 'IO::Socket::INET'}";
            my $listener;
            if ({int(self.opens)}) {{
                $listener = $class->new(Local{'' if self.address.is_unix else 'Addr'} => "{self.address.bare}",
                                        ReuseAddr => 1, Listen => 128) or die "no socket: $@";
            }} else {{
                my $fd = server_ports()->{{"{self.address.bare}"}} or die "not announced: $ENV{{SERVER_STARTER_PORT}}";
                $listener = $class->new_from_fd($fd, "r+") or die "no socket: $!";
            }}
            my $ended = 0;
            $SIG{{TERM}} = sub {{ $ended = 1 }};
            until ($ended) {{
                my $client = $listener->accept or next;
                while (my $line = <$client>) {{ last if $line eq "\\r\\n" }}
                print $client "HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n",
                              "Content-Length: {len(self.label)}\\r\\n\\r\\n{self.label}";
            }}
            """)
        return [program("perl"), path]


class Ipcserver(Server):
    """s6-ipcserverd listens on 0, and starts a program for each connection, on 0 and 1."""
    kinds = ("unix",)
    words = ("-f", "0")

    def command(self):
        path = self.write("answer.sh", f"""\
            read -r request
            while read -r line && [ "$line" != "$(printf '\\r')" ]; do :; done
            printf 'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: {len(self.label)}\\r\\n\\r\\n%s' '{self.label}'
            """)
        binder = [program("s6-ipcserver-socketbinder"), self.address.bare] if self.opens else []
        return [*binder, program("s6-ipcserverd"), program("sh"), path]


class PythonHttpServer(Server):
    """One thread for each connection; ended by a signal it drops them. Its own backlog of 5 is too small for a load:
    TCP tries again after 1, 2, 4 and more seconds, and a Unix socket that would block does not."""
    backlog = 128
    words = ("-f", "3")
    status = -signal.SIGTERM
    loses = True

    def command(self):
        if not self.opens:
            made = "socket.socket(fileno=3)"
        elif self.address.is_unix:
            made = f'unix("{self.address.bare}")'
        else:
            made = f'tcp(("{self.address.host}", {self.address.port}))'
        path = self.write("server.py", f"""\
            import http.server, socket

            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.send_header("Content-Length", "{len(self.label)}")
                    self.end_headers()
                    self.wfile.write(b"{self.label}")

                def address_string(self):
                    return "somebody"

                def log_message(self, *words):
                    pass

            def tcp(address):
                http.server.HTTPServer.request_queue_size = {self.backlog}
                return http.server.HTTPServer(address, None).socket

            def unix(path):
                made = socket.socket(socket.AF_UNIX)
                made.bind(path)
                made.listen({self.backlog})
                return made

            server = http.server.ThreadingHTTPServer(None, Handler, bind_and_activate=False)
            server.socket.close()
            server.socket = {made}
            server.serve_forever()
            """)
        return [program("python3"), "-I", path]


SERVERS = [Nginx, Haproxy, HaproxyMaster, Gunicorn, Uvicorn, Lighttpd, LighttpdOnStdin, Node, PhpFpm, Perl, Ipcserver,
           PythonHttpServer]
