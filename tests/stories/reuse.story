# Pointers used again, records missing, tables and sets that are full.

== destroy and reset of an older life are passed over
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 cookie=77 p100
= 0 state #77 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #77 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
110 reset-sent A cookie=5
111 destroy A cookie=5
120 state A ESTABLISHED>FIN_WAIT1 cookie=77
= 120 state #77 ESTABLISHED>FIN_WAIT1 after=15 p100 10.0.0.1:40000>10.0.0.2:80
130 closed A FIN_WAIT2>CLOSE cookie=77 fin-received shutdown
= 130 state #77 FIN_WAIT2>TIME_WAIT after=? p100 10.0.0.1:40000>10.0.0.2:80
= 130 close #77 local-close time-wait opened=0 lived=130 SYN_SENT:105,ESTABLISHED:15 p100 10.0.0.1:40000>10.0.0.2:80

== the table has room again after a destroy max=1 processes=10
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
1 destroy A
= 1 close #1 unknown opened=0 lived=1 p100 10.0.0.1:0>10.0.0.2:80
10 open B CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.3:80 p101
= 10 state #2 CLOSE>SYN_SENT after=? p101 10.0.0.1:0>10.0.0.3:80
12 state B SYN_SENT>ESTABLISHED 10.0.0.1:40001>10.0.0.3:80
= 12 state #2 SYN_SENT>ESTABLISHED after=2 p101 10.0.0.1:40001>10.0.0.3:80

== ends still waiting when the table goes: no reference is left
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
200 closed A FIN_WAIT2>CLOSE orphan shutdown
= 200 state #1 FIN_WAIT2>TIME_WAIT(FIN_WAIT2) after=? p100 10.0.0.1:0>10.0.0.2:80
= 200 close #1 local-close time-wait opened=0 lived=200 p100 10.0.0.1:0>10.0.0.2:80

== a listener that connects, its end lost
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
1 open A CLOSE>LISTEN p50
= 1 state #1 CLOSE>LISTEN after=1 p50 0.0.0.0:80
2 listen A arg=5 p50
= 2 listen #1 backlog=5 p50 0.0.0.0:80
100 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p50
= 100 state #1 CLOSE>SYN_SENT after=? p50 10.0.0.1:0>10.0.0.2:80
101 connect A 10.0.0.1:40000>10.0.0.2:80
= 101 connect #1 autobind p50 10.0.0.1:40000>10.0.0.2:80
110 closed A SYN_SENT>CLOSE err=111
= 110 state #1 SYN_SENT>CLOSE after=10 p50 10.0.0.1:40000>10.0.0.2:80
= 110 close #1 refused opened=100 lived=10 SYN_SENT:10 p50 10.0.0.1:40000>10.0.0.2:80 ECONNREFUSED
111 destroy A

== a listener whose pointer is bound again, end, destroy and cookie lost
0 open A CLOSE>LISTEN 0.0.0.0:80 cookie=0 p50
= 0 state #0 CLOSE>LISTEN after=? p50 0.0.0.0:80
2 listen A arg=5 p50
= 2 listen #0 backlog=5 p50 0.0.0.0:80
100 bind A CLOSE 0.0.0.0:81 p60
= 100 bind #0 p60 0.0.0.0:81
101 destroy A
= 101 close #0 local-close opened=100 lived=1 CLOSE:1 p60 0.0.0.0:81

== a listener whose port changes unseen
0 open A CLOSE>LISTEN 0.0.0.0:80 cookie=0 p50
= 0 state #0 CLOSE>LISTEN after=? p50 0.0.0.0:80
2 listen A arg=5 p50
= 2 listen #0 backlog=5 p50 0.0.0.0:80
100 listen A 0.0.0.0:81 arg=5 p60
= 100 listen #0 backlog=5 p60 0.0.0.0:81
110 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
111 state B SYN_RECV>ESTABLISHED cookie=2
= 110 state #2 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 111 state #2 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000
120 closed A LISTEN>CLOSE shutdown
= 120 state #0 LISTEN>CLOSE after=120 p60 0.0.0.0:81
= 120 close #0 local-close opened=0 lived=120 LISTEN:120 p60 0.0.0.0:81
121 destroy A

== the table is full: facts are told with what they say themselves max=1 processes=10
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
10 open B CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.3:80 p101
= 10 state #2 CLOSE>SYN_SENT after=? p101 10.0.0.1:0>10.0.0.3:80
11 connect B 10.0.0.1:40001>10.0.0.3:80
= 11 connect #2 - 10.0.0.1:40001>10.0.0.3:80
12 state B SYN_SENT>ESTABLISHED
= 12 state #2 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40001>10.0.0.3:80
20 accept C ESTABLISHED 10.0.0.1:80>10.0.0.3:6000 p102
= 20 accept #3 p102 10.0.0.1:80>10.0.0.3:6000
30 open D CLOSE>LISTEN 0.0.0.0:80 p103
= 30 state #4 CLOSE>LISTEN after=? p103 0.0.0.0:80
31 listen D arg=5 p103
= 31 listen #4 backlog=5 p103 0.0.0.0:80
40 closed B FIN_WAIT2>CLOSE orphan shutdown
41 destroy B
42 state E LISTEN>SYN_RECV 10.0.0.1:80>10.0.0.3:6000 cookie=0
= 42 state #0 LISTEN>SYN_RECV after=? - 10.0.0.1:80>10.0.0.3:6000
600 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 40 state #2 FIN_WAIT2>TIME_WAIT(FIN_WAIT2) after=? - 10.0.0.1:40001>10.0.0.3:80
= 40 close #2 local-close time-wait opened=? lived=? - 10.0.0.1:40001>10.0.0.3:80
= 600 state #1 SYN_SENT>ESTABLISHED after=600 p100 10.0.0.1:40000>10.0.0.2:80

== no room for a process: nobody is named, least of all the owner before max=10 processes=1
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
150 accept B p60
= 150 accept #2 - 10.0.0.2:80>10.0.0.1:40000

== pointer used again without a destroy: the life before ends unseen
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
300 bind A CLOSE 0.0.0.0:0 cookie=77 p200
= 300 close #1 unknown opened=0 lived=? SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80
= 300 bind #77 p200 0.0.0.0:0
310 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p200
= 310 state #77 CLOSE>SYN_SENT after=10 p200 10.0.0.1:0>10.0.0.2:80

== pointer used again by a child
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
300 state A LISTEN>SYN_RECV 10.0.0.1:80>10.0.0.9:5000 cookie=0
= 300 close #1 unknown opened=0 lived=? SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80
301 state A SYN_RECV>ESTABLISHED cookie=77
= 300 state #77 LISTEN>SYN_RECV after=? - 10.0.0.1:80>10.0.0.9:5000
= 301 state #77 SYN_RECV>ESTABLISHED after=1 - 10.0.0.1:80>10.0.0.9:5000

== a child whose birth was not shown yet, its pointer used again
0 state A LISTEN>SYN_RECV 10.0.0.1:80 cookie=0
300 state A LISTEN>SYN_RECV 10.0.0.1:80 cookie=0
= 0 state #0 LISTEN>SYN_RECV after=? - 10.0.0.1:80
= 300 close #0 unknown opened=0 lived=? - 10.0.0.1:80
301 state A SYN_RECV>ESTABLISHED 10.0.0.1:80>10.0.0.9:5000 cookie=77
= 300 state #77 LISTEN>SYN_RECV after=? - 10.0.0.1:80>10.0.0.9:5000
= 301 state #77 SYN_RECV>ESTABLISHED after=1 - 10.0.0.1:80>10.0.0.9:5000

== the table goes in the middle of a look: no reference is left
0 look
1 seed-file A ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 p100 parent=1

== a failed connect does not speak of the pointer's life before
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
90 connect A CLOSE 10.0.0.1:40001>10.0.0.3:80 cookie=77 res=-111 opened p200
= 90 connect #77 p200 10.0.0.1:40001>10.0.0.3:80 ECONNREFUSED

== an end that was not told: the pointer is another's unseen=1
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
110 state A ESTABLISHED>FIN_WAIT1
= 110 state #1 ESTABLISHED>FIN_WAIT1 after=5 p100 10.0.0.1:40000>10.0.0.2:80
200 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 cookie=9 p100
= 200 close #1 unknown opened=0 lived=? SYN_SENT:105,ESTABLISHED:5 p100 10.0.0.1:40000>10.0.0.2:80
= 200 state #9 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80

== an end that was not told: only that the socket is gone unseen=1
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
200 destroy A
= 200 close #1 unknown opened=0 lived=200 SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80

== older than the trace: nobody was told its start unseen=0
105 state A ESTABLISHED>FIN_WAIT1 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 ESTABLISHED>FIN_WAIT1 after=? - 10.0.0.1:40000>10.0.0.2:80
200 destroy A
= 200 close #1 unknown opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80

== a socket without a cookie is not the one with one that had its pointer
0 bind A 0.0.0.0:950 p50
= 0 bind #1 p50 0.0.0.0:950
10 bind A 0.0.0.0:951 cookie=0
= 10 close #1 unknown opened=0 lived=? p50 0.0.0.0:950
= 10 bind #0 - 0.0.0.0:951
20 open A CLOSE>SYN_SENT 10.0.0.1:951>10.0.0.2:80
= 20 state #0 CLOSE>SYN_SENT after=10 - 10.0.0.1:951>10.0.0.2:80
