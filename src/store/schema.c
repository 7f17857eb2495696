// SPDX-License-Identifier: GPL-2.0-only
/*
 * schema.c - the tables, which may change, and the views over them, which may not: they are the
 * interface for SQL (docs/reference.md).
 *
 * Rows are integers as far as they can be, and only the few lives longer than a second are indexed:
 * what is written for each of 100,000 ends a second is one row at the end of one tree.
 */
#include "store_private.h"

#define TEXT_(x) #x
#define TEXT(x)	 TEXT_(x)

#define ADDRESS(column)                                                                            \
	"CASE WHEN " column " IS NULL THEN NULL "                                                  \
	"WHEN typeof(" column ")='integer' THEN printf('%d.%d.%d.%d'," column ">>24," column       \
	">>16&255," column ">>8&255," column "&255) "                                              \
	"ELSE lower(printf('%s:%s:%s:%s:%s:%s:%s:%s',substr(hex(" column "),1,4),"                 \
	"substr(hex(" column "),5,4),substr(hex(" column "),9,4),substr(hex(" column               \
	"),13,4),substr(hex(" column "),17,4),substr(hex(" column "),21,4),substr(hex(" column     \
	"),25,4),substr(hex(" column "),29,4))) END"

#define WHEN(ns) "strftime('%Y-%m-%d %H:%M:%f'," ns "/1e9,'unixepoch')"

/* clang-format off */
#define PROTO(t) \
	"CASE " t ".facts&511 WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' WHEN 262 THEN 'mptcp' " \
	"WHEN 132 THEN 'sctp' ELSE " t ".facts&511 END AS proto," \
	"CASE WHEN " t ".facts&512 THEN 'ipv6' ELSE 'ipv4' END AS family"

#define PROCESS_COLUMNS \
	"p.pid AS pid,p.tid AS tid,p.name AS comm,p.uid AS uid,p.cgroup AS cgroup," \
	"p.container AS container,p.container_name AS container_name,p.pod AS pod," \
	"p.unit AS unit,p.exe AS exe,p.args AS args"

#define SOCKET_COLUMNS(t) \
	PROTO(t) ",n.inode AS netns," t ".cookie AS cookie," ADDRESS(t ".local") " AS local_addr," \
	t ".local_port AS local_port," ADDRESS(t ".peer") " AS peer_addr," \
	t ".peer_port AS peer_port," PROCESS_COLUMNS
/* clang-format on */

#define JOINS(t)                                                                                   \
	" FROM " t " AS l LEFT JOIN netns AS n ON n.id=l.netns "                                   \
	"LEFT JOIN process AS p ON p.id=l.process;"

#define REASON                                                                                     \
	"CASE l.facts>>18&15 WHEN 1 THEN 'local-close' WHEN 2 THEN 'peer-close' "                  \
	"WHEN 3 THEN 'local-reset' WHEN 4 THEN 'peer-reset' WHEN 5 THEN 'refused' "                \
	"WHEN 6 THEN 'timeout' WHEN 7 THEN 'unreachable' WHEN 8 THEN 'port-exhausted' "            \
	"WHEN 9 THEN 'aborted' WHEN 10 THEN 'abandoned' WHEN 11 THEN 'keepalive' "                 \
	"WHEN 12 THEN 'user-timeout' ELSE 'unknown' END AS reason,"                                \
	"CASE l.facts>>32&7 WHEN 1 THEN 'linger' WHEN 2 THEN 'unread' WHEN 3 THEN 'late-data' "    \
	"WHEN 4 THEN 'linger2' WHEN 5 THEN 'disconnect' WHEN 6 THEN 'killed' END AS how,"          \
	"l.syns AS syns,l.heard AS last_heard_ns,l.unacked AS unacked_bytes"

_Static_assert(REASONS == 13 && HOWS == 7, "the view names every reason");

#define STATE(column)                                                                              \
	"CASE " column " WHEN 1 THEN 'ESTABLISHED' WHEN 2 THEN 'SYN_SENT' "                        \
	"WHEN 3 THEN 'SYN_RECV' WHEN 4 THEN 'FIN_WAIT1' WHEN 5 THEN 'FIN_WAIT2' "                  \
	"WHEN 6 THEN 'TIME_WAIT' WHEN 7 THEN 'CLOSE' WHEN 8 THEN 'CLOSE_WAIT' "                    \
	"WHEN 9 THEN 'LAST_ACK' WHEN 10 THEN 'LISTEN' WHEN 11 THEN 'CLOSING' END"

/* clang-format off */
/* A hexadecimal digit of `asked`: instr() is 0 for '0'. */
#define NIBBLE(t, n) "instr('123456789ABCDEF',substr(hex(" t ".asked)," #n ",1))"
#define BYTE(t, high, low) NIBBLE(t, high) "*16+" NIBBLE(t, low)

/* ASKED_BYTES: the port, then the address. */
#define ASKED_COLUMNS(t) \
	",CASE WHEN " t ".asked IS NULL THEN NULL " \
	"WHEN " t ".facts&512 THEN " ADDRESS("substr(" t ".asked,3)") " " \
	"ELSE printf('%d.%d.%d.%d'," BYTE(t, 5, 6) "," BYTE(t, 7, 8) "," BYTE(t, 9, 10) "," \
	BYTE(t, 11, 12) ") END AS asked_addr," \
	"CASE WHEN " t ".asked NOTNULL THEN (" BYTE(t, 1, 2) ")*256+" BYTE(t, 3, 4) " END AS asked_port"

/* What a store of version 3 does not have; `temp` is "TEMP " for who only reads one. */
#define SINCE_4(temp) \
	/* `last`: no row of a number above it was ever taken away. */ \
	/* unsent: so many rows went before they were sent, of which no row tells yet. */ \
	"CREATE " temp "TABLE identity(id TEXT NOT NULL,last INTEGER NOT NULL," \
	"unsent INTEGER NOT NULL DEFAULT 0,unsent_first INTEGER,unsent_last INTEGER," \
	"unsent_since INTEGER);" \
	"CREATE " temp "TABLE budget(id INTEGER PRIMARY KEY,at INTEGER NOT NULL,peer_port INTEGER," \
	"facts INTEGER NOT NULL,netns INTEGER,local,peer,process INTEGER,held INTEGER," \
	"low INTEGER NOT NULL,high INTEGER NOT NULL,reserved INTEGER NOT NULL," \
	"usable INTEGER NOT NULL,used INTEGER NOT NULL,time_wait INTEGER NOT NULL," \
	"available INTEGER NOT NULL,uncertain INTEGER NOT NULL,drain INTEGER NOT NULL);" \
	/* Losses of the record itself: rows that went before they were sent, from `first` to `last`. */ \
	"CREATE " temp "TABLE unsent(loss INTEGER PRIMARY KEY,first INTEGER NOT NULL," \
	"last INTEGER NOT NULL);"

#define VIEW_LOSSES \
	"CREATE VIEW losses AS SELECT id," WHEN("at") " AS time," WHEN("since") " AS since,count," \
	"CASE WHEN u.loss NOTNULL THEN 'unsent' ELSE 'facts' END AS what " \
	"FROM loss LEFT JOIN unsent AS u ON u.loss=id;"

#define VIEW_BUDGETS \
	"CREATE VIEW budgets AS SELECT l.id AS id," WHEN("l.at") " AS time," PROTO("l") "," \
	"n.inode AS netns," ADDRESS("l.local") " AS local_addr," \
	ADDRESS("l.peer") " AS peer_addr,l.peer_port AS peer_port," \
	"l.low AS low,l.high AS high,l.reserved AS reserved,l.usable AS usable,l.used AS used," \
	"l.usable-l.used-l.available-l.uncertain AS bound,l.time_wait AS time_wait,l.available AS available,l.uncertain AS uncertain," \
	"l.drain AS drain_ms,l.held AS held," PROCESS_COLUMNS JOINS("budget")

const char schema_sql[] =
	"PRAGMA auto_vacuum=INCREMENTAL;"
	"BEGIN;"
	"PRAGMA application_id=" TEXT(STORE_APPLICATION_ID) ";"
	"PRAGMA user_version=" TEXT(STORE_VERSION) ";"
	"CREATE TABLE boot(id INTEGER PRIMARY KEY,name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE run(id INTEGER PRIMARY KEY,boot INTEGER NOT NULL,version TEXT NOT NULL,"
	"started INTEGER NOT NULL,alive INTEGER NOT NULL,stopped INTEGER);"
	"CREATE TABLE netns(id INTEGER PRIMARY KEY,inode INTEGER NOT NULL UNIQUE);"
	/* From `at` on; NULL: the recorder's own, or not known. */
	"CREATE TABLE netns_name(netns INTEGER NOT NULL,at INTEGER NOT NULL,name TEXT,"
	"PRIMARY KEY(netns,at)) WITHOUT ROWID;"
	"CREATE TABLE process(id INTEGER PRIMARY KEY,boot INTEGER NOT NULL,pid INTEGER NOT NULL,"
	"tid INTEGER NOT NULL,uid INTEGER NOT NULL,cgroup_id INTEGER NOT NULL,name TEXT NOT NULL,"
	"start_boot INTEGER NOT NULL,program INTEGER NOT NULL,ruid INTEGER,start INTEGER,cut INTEGER,"
	"cgroup TEXT,container TEXT,container_name TEXT,pod TEXT,unit TEXT,exe TEXT,args BLOB,"
	"parents BLOB,lives INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX process_key ON process(pid,tid,boot,uid,cgroup_id,name,start_boot,program);"
	"CREATE INDEX process_unused ON process(id) WHERE lives<=0;"
	"CREATE TABLE life(id INTEGER PRIMARY KEY," LIFE_COLUMNS ");"
	"CREATE INDEX life_long ON life(scale,closed) WHERE scale>0;"
	"CREATE TABLE open(id INTEGER PRIMARY KEY," LIFE_COLUMNS ",key INTEGER NOT NULL,"
	"run INTEGER NOT NULL,since_boot INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX open_key ON open(netns,key);"
	"CREATE INDEX open_process ON open(process);"
	"CREATE TABLE call(id INTEGER PRIMARY KEY,at INTEGER NOT NULL,kind INTEGER NOT NULL,"
	"local_port INTEGER,peer_port INTEGER,facts INTEGER NOT NULL,netns INTEGER,cookie INTEGER,"
	"local,peer,process INTEGER,error INTEGER,number INTEGER,asked BLOB);"
	"CREATE TABLE trouble(call INTEGER PRIMARY KEY,known INTEGER NOT NULL,more INTEGER NOT NULL,"
	"low INTEGER,high INTEGER,reserved INTEGER,used INTEGER,unprivileged INTEGER);"
	"CREATE TABLE holder(call INTEGER NOT NULL,place INTEGER NOT NULL,process INTEGER,"
	"facts INTEGER NOT NULL,local_port INTEGER,peer_port INTEGER,local,peer,state INTEGER,"
	"since INTEGER,why INTEGER NOT NULL,PRIMARY KEY(call,place)) WITHOUT ROWID;"
	"CREATE TABLE loss(id INTEGER PRIMARY KEY,at INTEGER NOT NULL,since INTEGER NOT NULL,"
	"count INTEGER NOT NULL,added INTEGER,removed INTEGER);"
	"CREATE TABLE block(first INTEGER PRIMARY KEY,last INTEGER NOT NULL,oldest INTEGER NOT NULL,"
	"newest INTEGER NOT NULL,earliest INTEGER NOT NULL,rows INTEGER NOT NULL);"
	SINCE_4("")

	"CREATE VIEW lives AS SELECT l.id AS id," SOCKET_COLUMNS("l") ","
	"CASE WHEN l.facts>>15&1 THEN " WHEN("(l.closed-l.lived)") " END AS opened,"
	"CASE WHEN l.facts>>16&3=0 THEN " WHEN("l.closed") " END AS closed,"
	WHEN("l.closed") " AS last_seen,"
	"CASE WHEN l.facts>>15&1 AND l.facts>>16&3=0 THEN l.lived END AS duration_ns,"
	"l.sent AS sent_bytes,l.received AS received_bytes,l.retransmits AS retransmits,"
	"l.rtt AS rtt_us," REASON ",l.error AS errno,"
	"CASE l.facts>>35&1 WHEN 0 THEN l.facts>>14&1 END AS time_wait,l.states AS states"
	ASKED_COLUMNS("l") JOINS("life")

	"CREATE VIEW open_lives AS SELECT l.id AS id," SOCKET_COLUMNS("l") ","
	"CASE WHEN l.facts>>15&1 THEN " WHEN("(l.closed-l.lived)") " END AS opened,"
	WHEN("(l.closed-l.lived)") " AS seen_since" ASKED_COLUMNS("l") JOINS("open")

	"CREATE VIEW calls AS SELECT l.id AS id," WHEN("l.at") " AS time,"
	"CASE l.kind WHEN 0 THEN 'bind' WHEN 1 THEN 'listen' WHEN 3 THEN 'accept' WHEN 7 THEN 'overflow' "
	"ELSE 'connect' END AS call,"
	SOCKET_COLUMNS("l") ",l.error AS errno,"
	"(SELECT more FROM trouble WHERE call=l.id AND known&4) AS repeated,"
	"CASE l.kind WHEN 7 THEN l.number END AS dropped"
	ASKED_COLUMNS("l") JOINS("call")

	"CREATE VIEW holders AS SELECT h.call AS call,h.place AS place,p.pid AS pid,p.name AS comm,"
	"p.uid AS uid,p.container AS container," ADDRESS("h.local") " AS local_addr,"
	"h.local_port AS local_port," ADDRESS("h.peer") " AS peer_addr,h.peer_port AS peer_port,"
	STATE("h.state") " AS state," WHEN("h.since") " AS since "
	"FROM holder AS h LEFT JOIN process AS p ON p.id=h.process;"

	VIEW_LOSSES

	VIEW_BUDGETS

	"CREATE VIEW runs AS SELECT r.id AS id,b.name AS boot,r.version AS version,"
	WHEN("r.started") " AS started," WHEN("r.alive") " AS last_alive," WHEN("r.stopped")
	" AS stopped FROM run AS r JOIN boot AS b ON b.id=r.boot;"

	/* One row a state; `states` is a byte (state << 4 | n), then n bytes of nanoseconds, and so on. */
	"CREATE VIEW life_states AS WITH RECURSIVE step(id,rest,place,state,more,ns) AS ("
	"SELECT id,hex(states),0,0,0,0 FROM life UNION ALL "
	"SELECT id,substr(rest,3),place+(more=0),"
	"CASE more WHEN 0 THEN instr('123456789ABCDEF',substr(rest,1,1)) ELSE state END,"
	"CASE more WHEN 0 THEN instr('123456789ABCDEF',substr(rest,2,1)) ELSE more-1 END,"
	"CASE more WHEN 0 THEN 0 ELSE (ns<<8)|(instr('123456789ABCDEF',substr(rest,1,1))<<4)|"
	"instr('123456789ABCDEF',substr(rest,2,1)) END FROM step WHERE rest<>'')"
	"SELECT id AS life,place," STATE("state") " AS state,ns "
	"FROM step WHERE place>0 AND more=0;"
	"COMMIT;";

const char schema_upgrade_sql[] =
	SINCE_4("")
	"DROP VIEW IF EXISTS losses;" VIEW_LOSSES
	"DROP VIEW IF EXISTS budgets;" VIEW_BUDGETS
	"PRAGMA user_version=" TEXT(STORE_VERSION) ";";

const char schema_stand_in_sql[] = SINCE_4("TEMP ");
/* clang-format on */
