# What was there before the trace, and repair after a loss.

== a single holder is the owner, until a call names one
0 look
1 seed-file A ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 p100 parent=1
2 found
= added 1 removed 0
50 state A ESTABLISHED>CLOSE_WAIT
= 50 state #1 ESTABLISHED>CLOSE_WAIT after=? p100 10.0.0.1:40000>10.0.0.2:80
90 closed A CLOSE_WAIT>CLOSE shutdown
= 90 state #1 CLOSE_WAIT>CLOSE after=40 p100 10.0.0.1:40000>10.0.0.2:80
= 90 close #1 local-reset opened=? lived=? CLOSE_WAIT:40 p100 10.0.0.1:40000>10.0.0.2:80

== parent and children: the parent
0 look
1 seed-file A LISTEN 0.0.0.0:80 p100 parent=1
2 seed-file A p101 parent=100
3 seed-file A p102 parent=100
4 found
= added 1 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? p100 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? p100 0.0.0.0:80

== siblings alone: nobody
0 look
2 seed-file A LISTEN 0.0.0.0:80 p101 parent=100
3 seed-file A p102 parent=100
4 seed-file A p103 parent=100
5 found
= added 1 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? - 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? - 0.0.0.0:80

== a chain of grandchildren: the eldest
0 look
2 seed-file A LISTEN 0.0.0.0:80 p100 parent=1
3 seed-file A p101 parent=100
4 seed-file A p102 parent=101
5 found
= added 1 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? p100 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? p100 0.0.0.0:80

== one process that holds it twice
0 look
2 seed-file A LISTEN 0.0.0.0:80 p101 parent=1
4 seed-file A p101 parent=1
5 found
= added 1 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? p101 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? p101 0.0.0.0:80

== still nobody for siblings at the next look
0 look
2 seed-file A LISTEN 0.0.0.0:80 p101 parent=100
3 seed-file A p102 parent=100
5 found
= added 1 removed 0
10 look
12 seed-file A p101 parent=100
13 seed-file A p102 parent=100
15 found
= added 0 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? - 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? - 0.0.0.0:80

== a seed is older facts' future: they apply all the same
20 look
21 seed-file A ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 p100 parent=1
22 found
= added 1 removed 0
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
10 state A SYN_SENT>ESTABLISHED
= 10 state #1 SYN_SENT>ESTABLISHED after=10 p100 10.0.0.1:40000>10.0.0.2:80
50 closed A ESTABLISHED>CLOSE shutdown
= 50 state #1 ESTABLISHED>CLOSE after=40 p100 10.0.0.1:40000>10.0.0.2:80
= 50 close #1 local-reset opened=0 lived=50 SYN_SENT:10,ESTABLISHED:40 p100 10.0.0.1:40000>10.0.0.2:80
51 destroy A

== what a look saw before the facts of it were read costs no time that is known
0 bind A 0.0.0.0:80 p100
= 0 bind #1 p100 0.0.0.0:80
20 look
21 seed-socket A LISTEN 0.0.0.0:80
5 open A CLOSE>LISTEN 0.0.0.0:80 p100
= 5 state #1 CLOSE>LISTEN after=5 p100 0.0.0.0:80
22 found
= added 0 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=45 p100 0.0.0.0:80
= 50 close #1 local-close opened=5 lived=45 LISTEN:45 p100 0.0.0.0:80

== what a look saw and no fact of it came is unknown
0 bind A 0.0.0.0:80 p100
= 0 bind #1 p100 0.0.0.0:80
20 look
21 seed-socket A LISTEN 0.0.0.0:80
22 found
= added 0 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? p100 0.0.0.0:80
= 50 close #1 local-close opened=0 lived=50 p100 0.0.0.0:80

== older facts about the pointer's life before do not disturb what the seed found for long
20 look
21 seed-file A LISTEN 0.0.0.0:80 cookie=77 p100 parent=1
22 found
= added 1 removed 0
5 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 5 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80
= 5 close #1 local-reset opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80
6 destroy A
10 open A CLOSE>LISTEN 0.0.0.0:80 cookie=77 p100
= 10 state #77 CLOSE>LISTEN after=? p100 0.0.0.0:80
11 listen A arg=5 p100
= 11 listen #77 backlog=5 p100 0.0.0.0:80
50 closed A LISTEN>CLOSE shutdown
= 50 state #77 LISTEN>CLOSE after=40 p100 0.0.0.0:80
= 50 close #77 local-close opened=10 lived=40 LISTEN:40 p100 0.0.0.0:80

== who was seen live is the owner while it has it open
0 open A CLOSE>LISTEN 0.0.0.0:80 p100.7
= 0 state #1 CLOSE>LISTEN after=? p100.7 0.0.0.0:80
20 look
21 seed-file A p99 parent=1
22 seed-file A p100 parent=99
23 seed-file A p101 parent=100 arg=1
24 found
= added 0 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=50 p100.7 0.0.0.0:80
= 50 close #1 local-close opened=0 lived=50 LISTEN:50 p100.7 0.0.0.0:80

== who was seen live and has it open no more is no owner
0 open A CLOSE>LISTEN 0.0.0.0:80 p100
= 0 state #1 CLOSE>LISTEN after=? p100 0.0.0.0:80
20 look
21 seed-file A p101 parent=100
22 found
= added 0 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=50 p101 0.0.0.0:80
= 50 close #1 local-close opened=0 lived=50 LISTEN:50 p101 0.0.0.0:80

== what several have open that who bound it has closed is nobody's
0 open A CLOSE>LISTEN 0.0.0.0:80 p100
= 0 state #1 CLOSE>LISTEN after=? p100 0.0.0.0:80
20 look
21 seed-file A p101 parent=100
22 seed-file A p102 parent=100
23 found
= added 0 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=50 - 0.0.0.0:80
= 50 close #1 local-close opened=0 lived=50 LISTEN:50 - 0.0.0.0:80

== a stranger was given it: who made it is the owner
0 look
1 seed-file A LISTEN 0.0.0.0:80 p100 parent=1
2 seed-file A p200 parent=1 arg=1
3 found
= added 1 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? p200 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? p200 0.0.0.0:80

== a queued child belongs to its listener's owner
0 look
1 seed-file A LISTEN 0.0.0.0:80 p50 parent=1
2 seed-socket B ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 no-file listener=A
3 found
= added 2 removed 0
50 accept B p51
= 50 accept #2 listener=p50 p51 10.0.0.2:80>10.0.0.1:40000
60 closed B ESTABLISHED>CLOSE shutdown
= 60 state #2 ESTABLISHED>CLOSE after=? p51 10.0.0.2:80>10.0.0.1:40000
= 60 close #2 local-reset opened=? lived=? p51 10.0.0.2:80>10.0.0.1:40000

== a queued child is its listener's, whoever listens on its port
0 look
1 seed-file A LISTEN 0.0.0.0:80 p50 parent=1
1 seed-file C LISTEN 0.0.0.0:15080 p60 parent=1
2 seed-socket B ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 no-file listener=C
2 seed-socket D ESTABLISHED 10.0.0.2:80>10.0.0.1:40001 no-file
3 found
= added 4 removed 0
60 closed B ESTABLISHED>CLOSE shutdown
= 60 state #2 ESTABLISHED>CLOSE after=? p60 10.0.0.2:80>10.0.0.1:40000
= 60 close #2 local-reset opened=? lived=? p60 10.0.0.2:80>10.0.0.1:40000
61 closed D ESTABLISHED>CLOSE shutdown
= 61 state #4 ESTABLISHED>CLOSE after=? - 10.0.0.2:80>10.0.0.1:40001
= 61 close #4 local-reset opened=? lived=? - 10.0.0.2:80>10.0.0.1:40001

== a queued child is aborted with its listener
0 look
1 seed-file A LISTEN 0.0.0.0:80 p50 parent=1
2 seed-socket B ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 no-file listener=A
3 found
= added 2 removed 0
50 closed A LISTEN>CLOSE shutdown orphan
= 50 state #1 LISTEN>CLOSE after=? p50 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? p50 0.0.0.0:80
60 closed B ESTABLISHED>CLOSE orphan
= 60 state #2 ESTABLISHED>CLOSE after=? p50 10.0.0.2:80>10.0.0.1:40000
= 60 close #2 aborted opened=? lived=? p50 10.0.0.2:80>10.0.0.1:40000

== an orphan belongs to nobody
0 look
1 seed-file A LISTEN 0.0.0.0:80 p50 parent=1
2 seed-socket B FIN_WAIT1 10.0.0.2:80>10.0.0.1:40000 no-file orphan
3 found
= added 2 removed 0
60 closed B FIN_WAIT1>CLOSE err=110 orphan
= 60 state #2 FIN_WAIT1>CLOSE after=? - 10.0.0.2:80>10.0.0.1:40000
= 60 close #2 timeout opened=? lived=? - 10.0.0.2:80>10.0.0.1:40000 ETIMEDOUT

== an idle socket is not kept
0 look
1 seed-file A CLOSE 0.0.0.0:0 p50 parent=1
3 found
= added 0 removed 0
5 look
6 repair
= added 0 removed 0

== a bound socket is kept
0 look
1 seed-file A CLOSE 0.0.0.0:81 p50 parent=1
3 found
= added 1 removed 0

== repair removes a ghost
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
6 bind B 0.0.0.0:81 p100
= 6 bind #2 p100 0.0.0.0:81
7 open C CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 7 state #3 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
8 closed C SYN_SENT>CLOSE err=111
= 8 state #3 SYN_SENT>CLOSE after=1 p100 10.0.0.1:0>10.0.0.2:80
= 8 close #3 refused opened=7 lived=1 SYN_SENT:1 p100 10.0.0.1:0>10.0.0.2:80 ECONNREFUSED
100 look
110 repair
= 100 close #1 unknown opened=0 lived=? SYN_SENT:5 p100 10.0.0.1:40000>10.0.0.2:80
= 100 close #2 unknown opened=6 lived=? p100 0.0.0.0:81
= added 0 removed 3

== a look that does not repair leaves ghosts
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
100 look
110 found
= added 0 removed 0

== touched during the look is no ghost
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
100 look
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
110 repair
= added 0 removed 0
120 closed A ESTABLISHED>CLOSE shutdown
= 120 state #1 ESTABLISHED>CLOSE after=15 p100 10.0.0.1:40000>10.0.0.2:80
= 120 close #1 local-reset opened=0 lived=120 SYN_SENT:105,ESTABLISHED:15 p100 10.0.0.1:40000>10.0.0.2:80

== repair finds a change that was lost
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
100 look
101 seed-file A CLOSE_WAIT p100 parent=1
110 repair
= added 0 removed 0
120 closed A CLOSE_WAIT>CLOSE shutdown
= 120 state #1 CLOSE_WAIT>CLOSE after=? p100 10.0.0.1:40000>10.0.0.2:80
= 120 close #1 local-reset opened=0 lived=120 SYN_SENT:5 p100 10.0.0.1:40000>10.0.0.2:80

== a fact older than the seed comes after it
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
100 look
101 seed-file A p100 parent=1
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
110 repair
= added 0 removed 0
120 closed A ESTABLISHED>CLOSE shutdown
= 120 state #1 ESTABLISHED>CLOSE after=115 p100 10.0.0.1:40000>10.0.0.2:80
= 120 close #1 local-reset opened=0 lived=120 SYN_SENT:5,ESTABLISHED:115 p100 10.0.0.1:40000>10.0.0.2:80

== a live fact newer than the seed wins
100 look
105 state A ESTABLISHED>CLOSE_WAIT 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 ESTABLISHED>CLOSE_WAIT after=? - 10.0.0.1:40000>10.0.0.2:80
101 seed-file A ESTABLISHED p100 parent=1
110 repair
= added 0 removed 0
120 closed A CLOSE_WAIT>CLOSE shutdown
= 120 state #1 CLOSE_WAIT>CLOSE after=15 p100 10.0.0.1:40000>10.0.0.2:80
= 120 close #1 local-reset opened=? lived=? CLOSE_WAIT:15 p100 10.0.0.1:40000>10.0.0.2:80

== a seed of an older life is passed over
30 look
50 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 cookie=77 p100
= 50 state #77 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
40 seed-file A LISTEN 0.0.0.0:80 cookie=5 p200 parent=1
70 repair
= added 0 removed 0
80 closed A SYN_SENT>CLOSE cookie=77 10.0.0.1:40000>10.0.0.2:80 err=111
= 80 state #77 SYN_SENT>CLOSE after=30 p100 10.0.0.1:40000>10.0.0.2:80
= 80 close #77 refused opened=50 lived=30 SYN_SENT:30 p100 10.0.0.1:40000>10.0.0.2:80 ECONNREFUSED

== a holder that runs in the kernel is no owner
0 look
1 seed-file A ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 parent=1
3 found
= added 1 removed 0
10 closed A ESTABLISHED>CLOSE shutdown
= 10 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80
= 10 close #1 local-reset opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80

== a listener that repair finds closed no longer has children
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 listen A arg=5 p50
= 1 listen #1 backlog=5 p50 0.0.0.0:80
100 look
101 seed-file A CLOSE 0.0.0.0:80 p50 parent=1
110 repair
= added 0 removed 0
120 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
121 state B SYN_RECV>ESTABLISHED cookie=2
= 120 state #2 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 121 state #2 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000
130 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p50
= 130 state #1 CLOSE>SYN_SENT after=? p50 10.0.0.1:0>10.0.0.2:80
131 destroy A
= 131 close #1 unknown opened=130 lived=1 p50 10.0.0.1:0>10.0.0.2:80

== no room in the table: a seed not kept is not counted max=1 processes=10
0 look
1 seed-file A ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 p100 parent=1
2 seed-file B ESTABLISHED 10.0.0.1:40001>10.0.0.2:80 p101 parent=1
3 found
= added 1 removed 0

== bound, opened and closed unseen, then destroyed: no time is told that nobody knows
10 bind A 0.0.0.0:80 p50
= 10 bind #1 p50 0.0.0.0:80
100 look
101 seed-file A LISTEN 0.0.0.0:80 p50 parent=1
110 repair
= added 0 removed 0
200 look
201 seed-file A CLOSE 0.0.0.0:80 p50 parent=1
210 repair
= added 0 removed 0
300 destroy A
= 300 close #1 local-close opened=10 lived=290 p50 0.0.0.0:80

== still nobody for siblings after a life ended
0 look
2 seed-file A ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 p101 parent=100
3 seed-file A p102 parent=100
5 found
= added 1 removed 0
6 closed A ESTABLISHED>CLOSE err=104
= 6 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80
= 6 close #1 peer-reset opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80 ECONNRESET
10 look
12 seed-file A p101 parent=100
13 seed-file A p102 parent=100
15 found
= added 0 removed 0
20 open A CLOSE>LISTEN 10.0.0.1:40000
= 20 state #1 CLOSE>LISTEN after=14 - 10.0.0.1:40000

== repair finds another socket behind a pointer
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
100 look
101 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
110 repair
= 100 close #1 unknown opened=0 lived=? SYN_SENT:5 p100 10.0.0.1:40000>10.0.0.2:80
= added 1 removed 0
120 closed A LISTEN>CLOSE shutdown
= 120 state #77 LISTEN>CLOSE after=? p200 0.0.0.0:80
= 120 close #77 local-close opened=? lived=? p200 0.0.0.0:80

== a child that a look found before its birth was read
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 look
120 seed-socket B ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 no-file
121 found
= added 1 removed 0
110 state B LISTEN>SYN_RECV cookie=0
111 state B SYN_RECV>ESTABLISHED cookie=2
= 110 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 111 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
130 accept B p50
= 130 accept #2 p50 10.0.0.2:80>10.0.0.1:40000

== repair tells the cookie and the peer that nobody told before
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80 cookie=0 listener=1
200 look
201 seed-file A p50 parent=1
202 seed-socket B SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=2 no-file
203 repair
= added 0 removed 0
300 destroy B
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 300 close #2 unknown opened=100 lived=200 p50 10.0.0.2:80>10.0.0.1:40000

== a listener closed after the look saw it listens no more
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 look
105 closed A LISTEN>CLOSE
= 105 state #1 LISTEN>CLOSE after=105 p50 0.0.0.0:80
101 seed-file A LISTEN 0.0.0.0:80 p50 parent=1
110 repair
= added 0 removed 0
120 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
121 state B SYN_RECV>ESTABLISHED cookie=2
= 120 state #2 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 121 state #2 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000

== repair after a lost accept finds who holds the child
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
200 look
201 seed-file A p50 parent=1
202 seed-file B p51 parent=50
203 repair
= added 0 removed 0
300 closed B ESTABLISHED>CLOSE shutdown
= 300 state #2 ESTABLISHED>CLOSE after=199 p51 10.0.0.2:80>10.0.0.1:40000
= 300 close #2 local-reset opened=100 lived=200 SYN_RECV:1,ESTABLISHED:199 p51 10.0.0.2:80>10.0.0.1:40000

== the accept still comes after a look that found its holder
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
200 look
201 seed-file A p50 parent=1
202 seed-file B p51 parent=50
203 repair
= added 0 removed 0
199 accept B p51
= 199 accept #2 listener=p50 p51 10.0.0.2:80>10.0.0.1:40000

== process ids wrapped around: the parent has the higher one
0 look
2 seed-file A LISTEN 0.0.0.0:80 p101 parent=900
3 seed-file A p102 parent=900
4 seed-file A p900 parent=1
5 found
= added 1 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? p900 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? p900 0.0.0.0:80

== process ids wrapped around: child, then parent
0 look
2 seed-file A LISTEN 0.0.0.0:80 p101 parent=900
4 seed-file A p900 parent=1
5 found
= added 1 removed 0
50 closed A LISTEN>CLOSE shutdown
= 50 state #1 LISTEN>CLOSE after=? p900 0.0.0.0:80
= 50 close #1 local-close opened=? lived=? p900 0.0.0.0:80

== an end that waits to be read while a look finds the next socket behind the pointer is told once
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
100 look
101 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
50 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 50 state #1 ESTABLISHED>CLOSE after=45 p100 10.0.0.1:40000>10.0.0.2:80
= 50 close #1 local-reset opened=0 lived=50 SYN_SENT:5,ESTABLISHED:45 p100 10.0.0.1:40000>10.0.0.2:80
51 destroy A
110 repair
= added 1 removed 0
120 closed A LISTEN>CLOSE 0.0.0.0:80 cookie=77 shutdown
= 120 state #77 LISTEN>CLOSE after=? p200 0.0.0.0:80
= 120 close #77 local-close opened=? lived=? p200 0.0.0.0:80

== the same where all of the next socket waits to be read, too
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
100 look
101 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
50 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 50 state #1 ESTABLISHED>CLOSE after=45 p100 10.0.0.1:40000>10.0.0.2:80
= 50 close #1 local-reset opened=0 lived=50 SYN_SENT:5,ESTABLISHED:45 p100 10.0.0.1:40000>10.0.0.2:80
51 destroy A
60 open A CLOSE>LISTEN 0.0.0.0:80 cookie=77 p200
= 60 state #77 CLOSE>LISTEN after=? p200 0.0.0.0:80
105 closed A LISTEN>CLOSE shutdown
= 105 state #77 LISTEN>CLOSE after=45 p200 0.0.0.0:80
= 105 close #77 local-close opened=60 lived=45 LISTEN:45 p200 0.0.0.0:80
106 destroy A
110 repair
= added 0 removed 0
120 lives

== the same where only its close is read: no fact says that the pointer was given back
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
100 look
101 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
50 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 50 state #1 ESTABLISHED>CLOSE after=45 p100 10.0.0.1:40000>10.0.0.2:80
= 50 close #1 local-reset opened=0 lived=50 SYN_SENT:5,ESTABLISHED:45 p100 10.0.0.1:40000>10.0.0.2:80
110 repair
= added 1 removed 0
120 closed A LISTEN>CLOSE 0.0.0.0:80 cookie=77 shutdown
= 120 state #77 LISTEN>CLOSE after=? p200 0.0.0.0:80
= 120 close #77 local-close opened=? lived=? p200 0.0.0.0:80

== three sockets behind one pointer, of which a look finds the last
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
100 look
101 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
50 destroy A cookie=1
= 50 close #1 unknown opened=0 lived=50 SYN_SENT:5 p100 10.0.0.1:40000>10.0.0.2:80
60 open A CLOSE>LISTEN 0.0.0.0:70 cookie=50 p200
= 60 state #50 CLOSE>LISTEN after=? p200 0.0.0.0:70
61 closed A LISTEN>CLOSE shutdown
= 61 state #50 LISTEN>CLOSE after=1 p200 0.0.0.0:70
= 61 close #50 local-close opened=60 lived=1 LISTEN:1 p200 0.0.0.0:70
62 destroy A
110 repair
= added 1 removed 0
120 closed A LISTEN>CLOSE 0.0.0.0:80 cookie=77 shutdown
= 120 state #77 LISTEN>CLOSE after=? p200 0.0.0.0:80
= 120 close #77 local-close opened=? lived=? p200 0.0.0.0:80

== what a look finds may be younger than the time it is given, and the facts of the socket before between both
0 look
1 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
5 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 5 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80
= 5 close #1 local-reset opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80
6 destroy A
10 repair
= added 1 removed 0
20 closed A LISTEN>CLOSE 0.0.0.0:80 cookie=77 shutdown
= 20 state #77 LISTEN>CLOSE after=? p200 0.0.0.0:80
= 20 close #77 local-close opened=? lived=? p200 0.0.0.0:80

== the same where its birth is read as well, in which it has no cookie yet
0 look
1 seed-socket A ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 cookie=77 no-file
5 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 5 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80
= 5 close #1 local-reset opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80
6 destroy A
7 state A LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
8 state A SYN_RECV>ESTABLISHED cookie=77
= 7 state #77 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 8 state #77 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000
10 repair
= added 0 removed 0
20 closed A ESTABLISHED>CLOSE shutdown
= 20 state #77 ESTABLISHED>CLOSE after=12 - 10.0.0.2:80>10.0.0.1:40000
= 20 close #77 local-reset opened=7 lived=13 SYN_RECV:1,ESTABLISHED:12 - 10.0.0.2:80>10.0.0.1:40000

== a life that was told as one that goes on, and whose end waits to be read: it ends once, for whoever was told
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 5 state #1 SYN_SENT>ESTABLISHED after=5 p100 10.0.0.1:40000>10.0.0.2:80
10 lives
= 10 close #1 unknown opened=0 lived=10 SYN_SENT:5,ESTABLISHED:5 p100 10.0.0.1:40000>10.0.0.2:80
100 look
101 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
50 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 50 state #1 ESTABLISHED>CLOSE after=45 p100 10.0.0.1:40000>10.0.0.2:80
= 50 close #1 local-reset told opened=0 lived=50 SYN_SENT:5,ESTABLISHED:45 p100 10.0.0.1:40000>10.0.0.2:80
51 destroy A
110 repair
= added 1 removed 0
120 lives
= 120 close #77 unknown opened=? lived=? p200 0.0.0.0:80
130 closed A LISTEN>CLOSE 0.0.0.0:80 cookie=77 shutdown
= 130 state #77 LISTEN>CLOSE after=? p200 0.0.0.0:80
= 130 close #77 local-close told opened=? lived=? p200 0.0.0.0:80

== what a look found was told as one that goes on: who had the pointer before is told by its facts, and its own end once
0 look
20 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
30 found
= added 1 removed 0
40 lives
= 40 close #77 unknown opened=? lived=? p200 0.0.0.0:80
5 state A LISTEN>SYN_RECV 10.0.0.2:81>10.0.0.1:40000 cookie=0
= 5 state #0 LISTEN>SYN_RECV after=? - 10.0.0.2:81>10.0.0.1:40000
6 state A SYN_RECV>ESTABLISHED cookie=1
= 6 state #1 SYN_RECV>ESTABLISHED after=? - 10.0.0.2:81>10.0.0.1:40000
7 closed A ESTABLISHED>CLOSE shutdown
= 7 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.2:81>10.0.0.1:40000
= 7 close #1 local-reset opened=? lived=? - 10.0.0.2:81>10.0.0.1:40000
8 destroy A
10 open A CLOSE>LISTEN 0.0.0.0:80 cookie=77 p200
= 10 state #77 CLOSE>LISTEN after=? p200 0.0.0.0:80
50 closed A LISTEN>CLOSE shutdown
= 50 state #77 LISTEN>CLOSE after=40 p200 0.0.0.0:80
= 50 close #77 local-close told opened=10 lived=40 LISTEN:40 p200 0.0.0.0:80

== the same where nobody was told yet
0 look
20 seed-file A LISTEN 0.0.0.0:80 cookie=77 p200 parent=1
30 found
= added 1 removed 0
5 state A LISTEN>SYN_RECV 10.0.0.2:81>10.0.0.1:40000 cookie=0
6 state A SYN_RECV>ESTABLISHED cookie=1
= 5 state #1 LISTEN>SYN_RECV after=? - 10.0.0.2:81>10.0.0.1:40000
= 6 state #1 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:81>10.0.0.1:40000
7 closed A ESTABLISHED>CLOSE shutdown
= 7 state #1 ESTABLISHED>CLOSE after=1 - 10.0.0.2:81>10.0.0.1:40000
= 7 close #1 local-reset opened=5 lived=2 SYN_RECV:1,ESTABLISHED:1 - 10.0.0.2:81>10.0.0.1:40000
8 destroy A
10 open A CLOSE>LISTEN 0.0.0.0:80 cookie=77 p200
= 10 state #77 CLOSE>LISTEN after=? p200 0.0.0.0:80
50 closed A LISTEN>CLOSE shutdown
= 50 state #77 LISTEN>CLOSE after=40 p200 0.0.0.0:80
= 50 close #77 local-close opened=10 lived=40 LISTEN:40 p200 0.0.0.0:80

== a child that a look found is younger than the time of the read: its birth is its own
0 look
20 seed-file A ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 cookie=77 p200 parent=1
30 found
= added 1 removed 0
40 lives
= 40 close #77 unknown opened=? lived=? p200 10.0.0.2:80>10.0.0.1:40000
25 state A LISTEN>SYN_RECV cookie=0
26 state A SYN_RECV>ESTABLISHED cookie=77
= 25 state #77 LISTEN>SYN_RECV after=? p200 10.0.0.2:80>10.0.0.1:40000
= 26 state #77 SYN_RECV>ESTABLISHED after=1 p200 10.0.0.2:80>10.0.0.1:40000
50 closed A ESTABLISHED>CLOSE shutdown
= 50 state #77 ESTABLISHED>CLOSE after=24 p200 10.0.0.2:80>10.0.0.1:40000
= 50 close #77 local-reset told opened=25 lived=25 SYN_RECV:1,ESTABLISHED:24 p200 10.0.0.2:80>10.0.0.1:40000

== a child of which only the birth was read, and the next child with its pointer
0 state A LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
100 look
120 seed-file A ESTABLISHED 10.0.0.2:80>10.0.0.1:40001 cookie=77 p200 parent=1
130 repair
= 0 state #0 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 100 close #0 unknown opened=0 lived=? - 10.0.0.2:80>10.0.0.1:40000
= added 1 removed 0
200 closed A ESTABLISHED>CLOSE shutdown
= 200 state #77 ESTABLISHED>CLOSE after=? p200 10.0.0.2:80>10.0.0.1:40001
= 200 close #77 local-reset opened=? lived=? p200 10.0.0.2:80>10.0.0.1:40001

== two sockets that one look finds behind a pointer, and the facts of both
0 look
10 seed-file A ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 cookie=1 p100 parent=1
20 seed-socket A LISTEN 0.0.0.0:80 cookie=77
30 found
= added 1 removed 0
12 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 cookie=1 shutdown
= 12 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80
= 12 close #1 local-reset opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80
13 destroy A
15 open A CLOSE>LISTEN 0.0.0.0:80 cookie=77 p200
= 15 state #77 CLOSE>LISTEN after=? p200 0.0.0.0:80
50 closed A LISTEN>CLOSE shutdown
= 50 state #77 LISTEN>CLOSE after=35 p200 0.0.0.0:80
= 50 close #77 local-close opened=15 lived=35 LISTEN:35 p200 0.0.0.0:80
