#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Programs as people run them: nginx and curl, redis-server and redis-cli, and a process with a hostile name.  Each says
# what it did; tests/e2e/real.py compares that with what the tracer printed.
set -u
program=${BUILD:-build}/sockwatch
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
pids=()

fail() {
	echo "FAIL real: $*"
	exit 1
}

# Ends only what this script started; nginx's master takes its workers with it.
clean() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap clean EXIT

. "$here/waiting.bash"

# Both at once, or the second may be the first again.
free_ports() {
	python3 -c 'import socket
s = [socket.socket(), socket.socket()]
for one in s: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in s))'
}

answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1")
}

# note KIND PID PORT: the truth, for real.py.
note() {
	echo "$*" >>"$dir/truth"
}

for tool in nginx curl redis-server redis-cli python3; do
	command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || {
		echo "SKIP real: $tool is not installed"
		exit 0
	}
done
PATH=$PATH:/usr/sbin:/sbin
chmod 755 "$dir"
read -r web store < <(free_ports)

"$program" trace -o json >"$dir/events" 2>"$dir/words" &
tracer=$!
pids+=("$tracer")
until_true grep -q '^sockwatch: tracing' "$dir/words" || fail "the tracer did not get ready: $(cat "$dir/words")"

mkdir "$dir/nginx"
echo hello >"$dir/nginx/index.html"
cat >"$dir/nginx/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $dir/nginx/pid;
error_log $dir/nginx/error.log;
events { worker_connections 64; }
http {
	access_log $dir/nginx/access.log;
	client_body_temp_path $dir/nginx/body;
	proxy_temp_path $dir/nginx/proxy;
	fastcgi_temp_path $dir/nginx/fastcgi;
	uwsgi_temp_path $dir/nginx/uwsgi;
	scgi_temp_path $dir/nginx/scgi;
	server { listen 127.0.0.1:$web; root $dir/nginx; }
}
CONF
nginx -p "$dir/nginx" -c "$dir/nginx/nginx.conf" -e "$dir/nginx/error.log" &
nginx=$!
pids=("$nginx" "${pids[@]}")
redis-server --port "$store" --bind 127.0.0.1 --save '' --appendonly no --dir "$dir" >"$dir/redis.log" &
redis=$!
pids=("$redis" "${pids[@]}")
until_true answers "$web" || fail "nginx does not answer: $(cat "$dir/nginx/error.log")"
until_true answers "$store" || fail "redis-server does not answer: $(cat "$dir/redis.log")"

url=http://127.0.0.1:$web/index.html
note nginx "$nginx" "$web"
note redis-server "$redis" "$store"
for _ in 1 2 3 4 5; do
	curl -s -m 10 -o "$dir/out" "$url" &
	note curl $! "$web"
	wait $! || fail "curl failed"
done
# Three requests in one connection.
curl -s -m 10 -o "$dir/out" -o "$dir/out" -o "$dir/out" "$url" "$url" "$url" &
note curl $! "$web"
wait $! || fail "curl failed"
for words in "SET key value" "GET key" "INCR counter" "LPUSH list a b c"; do
	# shellcheck disable=SC2086
	redis-cli -p "$store" $words >"$dir/out" &
	note redis-cli $! "$store"
	wait $! || fail "redis-cli failed"
done
python3 "$here/real.py" hostile "$web" >"$dir/hostile" &
hostile=$!
note hostile $hostile "$web"
wait $hostile || fail "the process with a hostile name failed"

kill -TERM "$redis" "$nginx"
wait "$redis" "$nginx"
kill -INT "$tracer"
wait "$tracer"
code=$?
pids=()
[ "$code" -eq 0 ] && echo "PASS real-exit" || echo "FAIL real-exit: code $code: $(cat "$dir/words")"
python3 "$here/real.py" check "$dir/truth" "$dir/events"
