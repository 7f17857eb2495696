// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.js - a current ClickHouse of a test's own: libchdb behind the HTTP interface that ClickHouse has.
 *
 *     node server.js --modules DIRECTORY --path DIRECTORY [--port N] [--user NAME --password WORD] [--log FILE]
 *                    [--tls-key FILE --tls-cert FILE] [--parallel 1]
 *
 * Says "listening PORT" once it takes requests. What it knows: query in the URL or the body, data in the body, gzip both ways,
 * param_NAME, settings, database, user and password in the URL, in X-ClickHouse-* or Basic; one statement a request, as the real
 * one; a statement that fails answers with the status, the code and the words of ClickHouse. GET may not change anything.
 * Each line of --log is one request: its time, status, milliseconds, rows of the body, bytes of the body, the query.
 *
 * One request after the other, as the library mixes up the parameters of two; --parallel 1: beside each other those without any.
 */
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const zlib = require('zlib');

const options = { port: '0', user: 'default', password: '' };
for (let i = 2; i < process.argv.length; i += 2)
	options[process.argv[i].replace(/^--/, '')] = process.argv[i + 1];
const native = require(path.resolve(options.modules, 'node_modules', '@chdb',
	`lib-linux-${process.arch}-gnu`));
const log = options.log ? fs.openSync(options.log, 'a') : -1;

/* As src/Server/HTTP/exceptionCodeToHTTPStatus.cpp of ClickHouse has them. */
const STATUS = new Map([[194, 401], [159, 408], [411, 411], [298, 413], [48, 501], [209, 503], [76, 503], [439, 503]]);
for (const code of [192, 193, 516, 511, 497]) STATUS.set(code, 403);
for (const code of [36, 6, 8, 15, 25, 26, 27, 38, 41, 44, 53, 62, 72, 117, 167, 168, 321, 376, 427, 441, 675, 676])
	STATUS.set(code, 400);
for (const code of [60, 46, 47, 50, 56, 81, 115, 63, 73, 116]) STATUS.set(code, 404);

class Refused extends Error {
	constructor(code, name, text) {
		super(`Code: ${code}. DB::Exception: ${text}. (${name}) (version 26.7)`);
		this.code = code;
	}
}

/* Where quotes and comments are over: the places of `what` outside of them. */
function outside(sql, what) {
	const found = [];
	for (let i = 0; i < sql.length; i++) {
		const c = sql[i];
		if (c === "'" || c === '"' || c === '`') {
			for (i++; i < sql.length && sql[i] !== c; i++)
				if (sql[i] === '\\') i++;
		} else if (sql.startsWith('--', i)) {
			while (i < sql.length && sql[i] !== '\n') i++;
		} else if (sql.startsWith('/*', i)) {
			const end = sql.indexOf('*/', i + 2);
			i = end < 0 ? sql.length : end + 1;
		} else if (what.test(sql.slice(i, i + 16))) {
			found.push(i);
		}
	}
	return found;
}

function one_statement(sql) {
	const semicolons = outside(sql, /^;/);
	if (semicolons.length && sql.slice(semicolons[0] + 1).trim() !== '')
		throw new Refused(62, 'SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)');
	return semicolons.length ? sql.slice(0, semicolons[0]) : sql;
}

const quoted = (value) => `'${String(value).replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
const is_name = (name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

/* Of the interface, not settings of the query. */
const OURS = new Set(['query', 'database', 'user', 'password', 'session_id', 'query_id', 'default_format', 'compress',
	'decompress', 'enable_http_compression', 'send_progress_in_http_headers', 'wait_end_of_query', 'quota_key', 'readonly',
	'http_headers_progress_interval_ms', 'buffer_size']);

let engine;
async function run(request, body) {
	const url = new URL(request.url, 'http://x');
	const basic = /^Basic (.*)$/.exec(request.headers.authorization || '');
	const [basic_user, basic_word] = basic ? Buffer.from(basic[1], 'base64').toString().split(/:(.*)/s) : [];
	const user = url.searchParams.get('user') ?? request.headers['x-clickhouse-user'] ?? basic_user ?? 'default';
	const word = url.searchParams.get('password') ?? request.headers['x-clickhouse-key'] ?? basic_word ?? '';
	if (user !== options.user || word !== options.password)
		throw new Refused(516, 'AUTHENTICATION_FAILED', `${user}: Authentication failed: password is incorrect, or there is no user with such name`);
	const database = url.searchParams.get('database') ?? request.headers['x-clickhouse-database'] ?? 'default';
	let query = url.searchParams.get('query') ?? '';
	let data = null;
	const insert = /^\s*INSERT\s/i.test(query);
	if (insert) data = body;
	else query += body.toString();
	query = one_statement(query);
	const settings = [], params = {};
	for (const [name, value] of url.searchParams) {
		if (name.startsWith('param_')) params[name.slice(6)] = value;
		else if (!OURS.has(name)) {
			if (!is_name(name)) throw new Refused(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`);
			settings.push(`${name}=${quoted(value)}`);
		}
	}
	if (request.method === 'GET') settings.push('readonly=2');
	if (!query.trim()) throw new Refused(62, 'SYNTAX_ERROR', 'Empty query');
	const format = url.searchParams.get('default_format') ?? 'TabSeparated';

	/* Settings that are set stay set: each request has a connection of its own. */
	const connection = native.CreateConnection(options.path);
	try {
		if (database !== 'default') await native.QueryAsyncConnection(connection, `USE \`${database.replace(/`/g, '\\`')}\``, 'Null');
		if (insert) {
			const place = outside(query, /^FORMAT\s/i).pop();
			const head = place === undefined ? query : query.slice(0, place);
			const tail = place === undefined ? '' : query.slice(place);
			const sql = head.trimEnd() + (settings.length ? ` SETTINGS ${settings.join(',')} ` : ' ') + tail.trimEnd();
			if (data.length) await native.InsertRawAsyncConnection(connection, sql, data, false);
			return { bytes: Buffer.alloc(0) };
		}
		if (settings.length) await native.QueryAsyncConnection(connection, `SET ${settings.join(',')}`, 'Null');
		const ret = Object.keys(params).length ? await native.QueryAsyncConnection(connection, query, format, params) :
			await native.QueryAsyncConnection(connection, query, format);
		return { bytes: Buffer.from(ret.bytes) };
	} finally {
		native.CloseConnection(connection);
	}
}

function read_body(request) {
	return new Promise((resolve, reject) => {
		const chunks = [];
		request.on('data', (chunk) => chunks.push(chunk));
		request.on('aborted', () => reject(new Error('the client went away')));
		request.on('error', reject);
		request.on('end', () => {
			const body = Buffer.concat(chunks);
			const encoding = request.headers['content-encoding'];
			if (!encoding) resolve(body);
			else if (encoding === 'gzip' || encoding === 'deflate' || encoding === 'x-gzip')
				zlib.unzip(body, (error, out) => error ? reject(new Refused(354, 'ZLIB_INFLATE_FAILED', error.message)) : resolve(out));
			else reject(new Refused(48, 'NOT_IMPLEMENTED', `Unknown compression method '${encoding}'`));
		});
	});
}

let turn = Promise.resolve();
function in_turn(what) {
	const ret = turn.then(what);
	turn = ret.catch(() => {});
	return ret;
}

async function answer(request, response) {
	const began = Date.now();
	const url = new URL(request.url, 'http://x');
	let status = 200, bytes, body = Buffer.alloc(0), code;
	if (url.pathname === '/ping' || (url.pathname === '/' && request.method === 'GET' && !url.search)) {
		response.end('Ok.\n');
		return;
	}
	try {
		body = await read_body(request);
		const alone = !options.parallel || /[?&]param_/.test(request.url);
		({ bytes } = await (alone ? in_turn(() => run(request, body)) : run(request, body)));
	} catch (error) {
		const words = String(error.message);
		code = error.code && Number.isInteger(error.code) ? error.code : Number((/Code: (\d+)\./.exec(words) || [])[1] || 1002);
		status = STATUS.get(code) || 500;
		bytes = Buffer.from(words.replace(/^Query failed: |^Insert failed: /, '') + '\n');
		response.setHeader('X-ClickHouse-Exception-Code', String(code));
	}
	response.statusCode = status;
	response.setHeader('X-ClickHouse-Server-Display-Name', 'test');
	response.setHeader('X-ClickHouse-Timezone', 'UTC');
	response.setHeader('Content-Type', 'text/tab-separated-values; charset=UTF-8');
	if (status === 200 && url.searchParams.get('enable_http_compression') === '1' && /gzip/.test(request.headers['accept-encoding'] || '')) {
		response.setHeader('Content-Encoding', 'gzip');
		bytes = zlib.gzipSync(bytes);
	}
	if (log >= 0) {
		let rows = 0;
		for (let i = body.indexOf(10); i >= 0; i = body.indexOf(10, i + 1)) rows++;
		fs.writeSync(log, JSON.stringify({ time: began / 1000, status, ms: Date.now() - began, rows, bytes: body.length,
			packed: Number(request.headers['content-length'] || 0), query: url.searchParams.get('query') ?? body.toString().slice(0, 4096),
			params: Object.fromEntries([...url.searchParams].filter(([name]) => name !== 'query' && name !== 'password')), code }) + '\n');
	}
	response.end(bytes);
}

native.CreateConnection(options.path); /* keeps the engine open */
const server = options['tls-key'] ? https.createServer({ key: fs.readFileSync(options['tls-key']), cert: fs.readFileSync(options['tls-cert']) }, answer) :
	http.createServer(answer);
server.keepAliveTimeout = 10000;
server.listen(Number(options.port), '127.0.0.1', () => console.log(`listening ${server.address().port}`));
for (const signal of ['SIGTERM', 'SIGINT'])
	process.on(signal, () => { server.close(); in_turn(async () => process.exit(0)); });
