# SPDX-License-Identifier: GPL-2.0-only
"""Rows of stores into a server without the sender, and a schema that a server of 2018 takes."""
import re
import subprocess

import rig
from suite import sockwatch

ROWS = str(rig.BUILD / "tests/fleet/rows")
TABLES = ("life", "call", "holder", "loss", "budget", "run", "open")


def rows(store, table, host, first=0, last=2**63 - 1):
    """The columns as INSERT names them, and the rows."""
    out = subprocess.run([ROWS, store, table, host, str(first), str(last)], stdout=subprocess.PIPE, check=True).stdout
    columns, _, data = out.partition(b"\n")
    return columns.decode(), data


def make(server, *options):
    server.script(sockwatch("schema", "clickhouse", *options))


def put(server, store, host, database="sockwatch", prefix="", tables=TABLES, token=True):
    for table in tables:
        columns, data = rows(store, table, host)
        if data:
            server.query(f"INSERT INTO {database}.{prefix}{table} ({columns}) FORMAT TabSeparated", data=data,
                         settings={"insert_deduplication_token": f"{host} {table}"} if token else None)


def reduced(sql):
    """The base tables for 18.16: what it lacks are codecs, LowCardinality, DateTime64, IPv6, TTL and indexes."""
    ret = []
    for statement in sql.split(";\n"):
        if re.search(r"CREATE (OR REPLACE )?VIEW", statement):
            continue
        statement = re.sub(r"(?m)^--.*\n", "", statement)
        statement = re.sub(r" CODEC\((?:[^()]|\([^()]*\))*\)", "", statement)
        statement = re.sub(r",\n    INDEX [^\n]*?(?=,?\n)", "", statement)
        statement = re.sub(r"\nTTL .*", "", statement)
        statement = re.sub(r"\nSETTINGS .*", "", statement)
        statement = re.sub(r"\nPRIMARY KEY .*", "", statement)
        statement = statement.replace("received_at DateTime64(3, 'UTC') DEFAULT now64(3)", "received_at DateTime DEFAULT now()")
        statement = re.sub(r"(?m)^(    \w+) (?:DateTime64\(.*?\)|IPv6|LowCardinality\(String\))", r"\1 String", statement)
        statement = re.sub(r"toDate\((\w+)\)", r"toDate(toUInt32OrZero(substring(\1, 1, 10)))", statement)
        statement = re.sub(r"toStartOfFiveMinutes\((\w+)\)", r"intDiv(toUInt32OrZero(substring(\1, 1, 10)), 300)", statement)
        ret.append(statement)
    return ";\n".join(ret)
