#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts nginx and HAProxy (HTTP/1.1 and HTTP/2 to the servers), as deploy/proxy configures them, in front of two servers
# and runs scripts/torture/proxies.py against them. A proxy that is not installed is skipped, with a message.
#   scripts/proxies.sh [CASE]          UAE_BINARY is the server (.build/release/uae); ports from PROXY_PORT (19700) on
set -euo pipefail

cd "$(dirname "$0")/.."
binary=$(realpath "${UAE_BINARY:-.build/release/uae}")
[ -x "$binary" ] || { echo "$binary is not built: run make build" >&2; exit 1; }
port=${PROXY_PORT:-19700}
work=$(mktemp -d)
# nginx's worker (user nobody if root starts it) buffers there what a client does not read at once.
chmod 755 "$work"
started=()
proxies=()
finish() {
    # SIGTERM lets nginx end its worker; the servers are killed without waiting for their drain.
    [ ${#proxies[@]} -eq 0 ] || kill -TERM "${proxies[@]}" 2>/dev/null || true
    [ ${#started[@]} -eq 0 ] || kill -KILL "${started[@]}" 2>/dev/null || true
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

fronts=()
servers=()
for number in 0 1; do
    # Longer than HAProxy's check takes, so that it sends nothing to a server that has stopped accepting.
    "$binary" serve --port $((port + number)) --drain-delay-ms 2500 2>"$work/server$number" &
    started+=($!)
    servers+=("http://127.0.0.1:$((port + number))=$!")
done

# Only the ports of the site change.
with_ports() {
    sed -e "s/127.0.0.1:8080/127.0.0.1:$port/; s/127.0.0.1:8081/127.0.0.1:$((port + 1))/" \
        -e "s/listen 80;/listen 127.0.0.1:$2;/; s/bind :8000/bind 127.0.0.1:$2/" "deploy/proxy/$1"
}

if command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; then
    with_ports nginx.conf $((port + 10)) >"$work/site.conf"
    cat >"$work/nginx.conf" <<NGINX
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events {}
http {
    access_log off;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    include $work/site.conf;
}
NGINX
    PATH=$PATH:/usr/sbin nginx -e "$work/nginx.log" -p "$work" -c "$work/nginx.conf" &
    proxies+=($!)
    fronts+=("nginx=http://127.0.0.1:$((port + 10))")
else
    echo "nginx is not installed: skipped"
fi
if command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ]; then
    with_ports haproxy.cfg $((port + 20)) >"$work/haproxy.cfg"
    with_ports haproxy.cfg $((port + 21)) | sed 's/^ *server .*/& proto h2/' >"$work/haproxy-h2.cfg"
    for name in haproxy haproxy-h2; do
        PATH=$PATH:/usr/sbin haproxy -db -f "$work/$name.cfg" 2>"$work/$name.log" &
        proxies+=($!)
    done
    fronts+=("haproxy=http://127.0.0.1:$((port + 20))" "haproxy-h2=http://127.0.0.1:$((port + 21))")
else
    echo "haproxy is not installed: skipped"
fi
[ ${#fronts[@]} -gt 0 ] || { echo "proxies: 0 passed, 0 failed"; exit 0; }

for url in "${servers[@]%=*}" "${fronts[@]#*=}"; do
    curl --silent --output /dev/null --fail --retry 60 --retry-delay 1 --retry-all-errors --max-time 60 \
        "$url/health/ready" || { echo "$url is not ready" >&2; tail -n 5 "$work"/*.log "$work"/server* >&2; exit 1; }
done
FRONTS="${fronts[*]}" SERVERS="${servers[*]}" PYTHONDONTWRITEBYTECODE=1 python3 scripts/torture/proxies.py "$@"
