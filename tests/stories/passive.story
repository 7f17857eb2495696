# Sockets that listen, and their children.

== accept, kernels up to 6.12: the child is born with its listener's cookie and no peer
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
1 open A CLOSE>LISTEN p50
= 1 state #1 CLOSE>LISTEN after=1 p50 0.0.0.0:80
2 listen A arg=128 p50
= 2 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80 cookie=0 listener=1
101 state B SYN_RECV>ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
150 accept B p50
= 150 accept #2 p50 10.0.0.2:80>10.0.0.1:40000
300 state B ESTABLISHED>CLOSE_WAIT
= 300 state #2 ESTABLISHED>CLOSE_WAIT after=199 p50 10.0.0.2:80>10.0.0.1:40000
400 state B CLOSE_WAIT>LAST_ACK
= 400 state #2 CLOSE_WAIT>LAST_ACK after=100 p50 10.0.0.2:80>10.0.0.1:40000
500 closed B LAST_ACK>CLOSE orphan fin-received shutdown
= 500 state #2 LAST_ACK>CLOSE after=100 p50 10.0.0.2:80>10.0.0.1:40000
= 500 close #2 peer-close opened=100 lived=400 SYN_RECV:1,ESTABLISHED:199,CLOSE_WAIT:100,LAST_ACK:100 p50 10.0.0.2:80>10.0.0.1:40000
501 destroy B
900 closed A LISTEN>CLOSE shutdown orphan
= 900 state #1 LISTEN>CLOSE after=899 p50 0.0.0.0:80
= 900 close #1 local-close opened=1 lived=899 LISTEN:899 p50 0.0.0.0:80
901 destroy A

== accept, kernels from 6.16: the child is born with a peer and no cookie
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
1 open A CLOSE>LISTEN p50
= 1 state #1 CLOSE>LISTEN after=1 p50 0.0.0.0:80
2 listen A arg=128 p50
= 2 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
150 accept B p51.52
= 150 accept #2 listener=p50 p51.52 10.0.0.2:80>10.0.0.1:40000
300 closed B ESTABLISHED>CLOSE shutdown
= 300 state #2 ESTABLISHED>CLOSE after=199 p51.52 10.0.0.2:80>10.0.0.1:40000
= 300 close #2 local-reset opened=100 lived=200 SYN_RECV:1,ESTABLISHED:199 p51.52 10.0.0.2:80>10.0.0.1:40000
301 destroy B

== from 6.16 on, where a program or a rule may have led the child ("opened") past the listener on its port
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
1 open A CLOSE>LISTEN p50
= 1 state #1 CLOSE>LISTEN after=1 p50 0.0.0.0:80
2 listen A arg=128 p50
= 2 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0 opened
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000
150 accept B p60
= 150 accept #2 p60 10.0.0.2:80>10.0.0.1:40000

== listen without bind: the port comes with listen
0 open A CLOSE>LISTEN 0.0.0.0:0 p50
= 0 state #1 CLOSE>LISTEN after=? p50 
1 listen A 0.0.0.0:45000 arg=5 p50
= 1 listen #1 backlog=5 p50 0.0.0.0:45000
100 state B LISTEN>SYN_RECV 10.0.0.2:45000>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:45000>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:45000>10.0.0.1:40000
900 closed A LISTEN>CLOSE shutdown
= 900 state #1 LISTEN>CLOSE after=900 p50 0.0.0.0:45000
= 900 close #1 local-close opened=0 lived=900 LISTEN:900 p50 0.0.0.0:45000

== listen repeated changes the backlog
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
1 open A CLOSE>LISTEN p50
= 1 state #1 CLOSE>LISTEN after=1 p50 0.0.0.0:80
2 listen A arg=128 p50
= 2 listen #1 backlog=128 p50 0.0.0.0:80
60 listen A arg=5 p50
= 60 listen #1 backlog=5 p50 0.0.0.0:80
100 closed A LISTEN>CLOSE shutdown orphan
= 100 state #1 LISTEN>CLOSE after=99 p50 0.0.0.0:80
= 100 close #1 local-close opened=1 lived=99 LISTEN:99 p50 0.0.0.0:80
101 destroy A

== listen repeated by another process makes it the owner
2 listen A LISTEN 0.0.0.0:80 arg=128 p50
= 2 listen #1 backlog=128 p50 0.0.0.0:80
60 listen A arg=128 p60
= 60 listen #1 backlog=128 p60 0.0.0.0:80
70 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
71 state B SYN_RECV>ESTABLISHED cookie=2
= 70 state #2 LISTEN>SYN_RECV after=? p60 10.0.0.2:80>10.0.0.1:40000
= 71 state #2 SYN_RECV>ESTABLISHED after=1 p60 10.0.0.2:80>10.0.0.1:40000

== listen fails and is tried again with success
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
1 open A CLOSE>LISTEN p50
= 1 state #1 CLOSE>LISTEN after=1 p50 0.0.0.0:80
2 closed A LISTEN>CLOSE
= 2 state #1 LISTEN>CLOSE after=1 p50 0.0.0.0:80
3 listen A res=-98 arg=128 p50
= 3 listen #1 backlog=128 p50 0.0.0.0:80 EADDRINUSE
10 open A CLOSE>LISTEN p50
= 10 state #1 CLOSE>LISTEN after=8 p50 0.0.0.0:80
11 listen A arg=128 p50
= 11 listen #1 backlog=128 p50 0.0.0.0:80
20 closed A LISTEN>CLOSE shutdown orphan
= 20 state #1 LISTEN>CLOSE after=10 p50 0.0.0.0:80
= 20 close #1 local-close opened=10 lived=10 LISTEN:10 p50 0.0.0.0:80
21 destroy A

== listen refused before anything changed
3 listen A CLOSE 0.0.0.0:0 res=-22 arg=128 p50
= 3 listen #1 backlog=128 p50  EINVAL

== bind only
0 bind A 127.0.0.1:8080 p50
= 0 bind #1 p50 127.0.0.1:8080
500 destroy A
= 500 close #1 local-close opened=0 lived=500 CLOSE:500 p50 127.0.0.1:8080

== bind fails: what was asked for
0 bind A 0.0.0.0:80 res=-98 p50
= 0 bind #1 p50 0.0.0.0:80 EADDRINUSE
10 bind A 0.0.0.0:81 p50
= 10 bind #1 p50 0.0.0.0:81
11 destroy A
= 11 close #1 local-close opened=10 lived=1 CLOSE:1 p50 0.0.0.0:81

== bind fails with an owner nobody knows
0 bind A 0.0.0.0:80 res=-13
= 0 bind #1 - 0.0.0.0:80 EACCES

== listener closed over queued children: each is aborted
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 listen A arg=128 p50
= 1 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
300 closed A LISTEN>CLOSE shutdown orphan
= 300 state #1 LISTEN>CLOSE after=300 p50 0.0.0.0:80
= 300 close #1 local-close opened=0 lived=300 LISTEN:300 p50 0.0.0.0:80
301 closed B ESTABLISHED>CLOSE orphan
= 301 state #2 ESTABLISHED>CLOSE after=200 p50 10.0.0.2:80>10.0.0.1:40000
= 301 close #2 aborted opened=100 lived=201 SYN_RECV:1,ESTABLISHED:200 p50 10.0.0.2:80>10.0.0.1:40000
302 destroy B
303 destroy A

== child reset before accept, then accepted dead
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 listen A arg=128 p50
= 1 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
200 reset-received B
200 closed B ESTABLISHED>CLOSE err=104
= 200 state #2 ESTABLISHED>CLOSE after=99 p50 10.0.0.2:80>10.0.0.1:40000
= 200 close #2 peer-reset opened=100 lived=100 SYN_RECV:1,ESTABLISHED:99 p50 10.0.0.2:80>10.0.0.1:40000 ECONNRESET
300 accept B p50
= 300 accept #2 p50 10.0.0.2:80>10.0.0.1:40000
400 destroy B

== TFO child stays in SYN_RECV until the handshake ends
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 listen A arg=128 p50
= 1 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80 cookie=0 listener=1
120 accept B 10.0.0.2:80>10.0.0.1:40000 cookie=2 p50
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 120 accept #2 p50 10.0.0.2:80>10.0.0.1:40000
180 state B SYN_RECV>ESTABLISHED
= 180 state #2 SYN_RECV>ESTABLISHED after=80 p50 10.0.0.2:80>10.0.0.1:40000
400 state B ESTABLISHED>FIN_WAIT1
= 400 state #2 ESTABLISHED>FIN_WAIT1 after=220 p50 10.0.0.2:80>10.0.0.1:40000

== TFO child destroyed before anybody told its peer
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 listen A arg=128 p50
= 1 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80 cookie=0 listener=1
200 closed B SYN_RECV>CLOSE cookie=2 err=104
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80
= 200 state #2 SYN_RECV>CLOSE after=100 p50 10.0.0.2:80
= 200 close #2 peer-reset opened=100 lived=100 SYN_RECV:100 p50 10.0.0.2:80 ECONNRESET
201 destroy B

== MPTCP: the clone goes from LISTEN to ESTABLISHED at once
0 open A CLOSE>LISTEN 0.0.0.0:80 p50 mptcp
= 0 state #1 mptcp CLOSE>LISTEN after=? p50 0.0.0.0:80
1 listen A arg=128 p50 mptcp
= 1 listen #1 mptcp backlog=128 p50 0.0.0.0:80
100 state B LISTEN>ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 cookie=0 mptcp
= 100 state #0 mptcp LISTEN>ESTABLISHED after=? p50 10.0.0.2:80>10.0.0.1:40000
120 accept B cookie=2 p50 mptcp
= 120 accept #2 mptcp p50 10.0.0.2:80>10.0.0.1:40000

== maybe-accept by getpeername: an accept only of a child nobody accepted
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 listen A arg=128 p50
= 1 listen #1 backlog=128 p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
150 accept B maybe p60
= 150 accept #2 listener=p50 p60 10.0.0.2:80>10.0.0.1:40000
160 accept B maybe p61
170 open C CLOSE>SYN_SENT 10.0.0.2:0>10.0.0.3:80 p50
= 170 state #3 CLOSE>SYN_SENT after=? p50 10.0.0.2:0>10.0.0.3:80
171 accept C maybe p60
172 accept D ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 maybe p60
173 accept B maybe cookie=99 p60

== a second accept fact is passed over
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
150 accept B p50
= 150 accept #2 p50 10.0.0.2:80>10.0.0.1:40000
151 accept B p60
152 state B ESTABLISHED>CLOSE_WAIT
= 152 state #2 ESTABLISHED>CLOSE_WAIT after=51 p50 10.0.0.2:80>10.0.0.1:40000

== accept by a worker names the listener's owner
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000
150 accept B p51
= 150 accept #2 listener=p50 p51 10.0.0.2:80>10.0.0.1:40000

== accept by a kernel thread names nobody: the listener's owner stays
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state B LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
150 accept B ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 150 accept #2 p50 10.0.0.2:80>10.0.0.1:40000

== SO_REUSEPORT of two processes: the listener's cookie tells
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 open B CLOSE>LISTEN 0.0.0.0:80 p60
= 1 state #2 CLOSE>LISTEN after=? p60 0.0.0.0:80
100 state C LISTEN>SYN_RECV 10.0.0.2:80 cookie=0 listener=2
101 state C SYN_RECV>ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 cookie=3
= 100 state #3 LISTEN>SYN_RECV after=? p60 10.0.0.2:80>10.0.0.1:40000
= 101 state #3 SYN_RECV>ESTABLISHED after=1 p60 10.0.0.2:80>10.0.0.1:40000
102 state D LISTEN>SYN_RECV 10.0.0.2:80 cookie=0 listener=1
103 state D SYN_RECV>ESTABLISHED 10.0.0.2:80>10.0.0.1:40001 cookie=4
= 102 state #4 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40001
= 103 state #4 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40001

== SO_REUSEPORT of two processes without a cookie: nobody is named before accept
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 open B CLOSE>LISTEN 0.0.0.0:80 p60
= 1 state #2 CLOSE>LISTEN after=? p60 0.0.0.0:80
100 state C LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state C SYN_RECV>ESTABLISHED cookie=3
= 100 state #3 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 101 state #3 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000
102 accept C p60
= 102 accept #3 p60 10.0.0.2:80>10.0.0.1:40000

== a cookie no listener has: none is guessed
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state C LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0 listener=99
101 state C SYN_RECV>ESTABLISHED cookie=3
= 100 state #3 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 101 state #3 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000

== the exact address goes before any, whichever came first
0 open A CLOSE>LISTEN 0.0.0.0:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 open B CLOSE>LISTEN 10.0.0.2:80 p60
= 1 state #2 CLOSE>LISTEN after=? p60 10.0.0.2:80
2 open C CLOSE>LISTEN 0.0.0.0:80 p50
= 2 state #3 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state D LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state D SYN_RECV>ESTABLISHED cookie=4
= 100 state #4 LISTEN>SYN_RECV after=? p60 10.0.0.2:80>10.0.0.1:40000
= 101 state #4 SYN_RECV>ESTABLISHED after=1 p60 10.0.0.2:80>10.0.0.1:40000
102 state E LISTEN>SYN_RECV 10.0.0.3:80>10.0.0.1:40000 cookie=0
103 state E SYN_RECV>ESTABLISHED cookie=5
= 102 state #5 LISTEN>SYN_RECV after=? p50 10.0.0.3:80>10.0.0.1:40000
= 103 state #5 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.3:80>10.0.0.1:40000

== another namespace, family or protocol is another listener
0 open A CLOSE>LISTEN 0.0.0.0:80 p50 ns=7
= 0 state #1 ns=7 CLOSE>LISTEN after=? p50 0.0.0.0:80
1 open B CLOSE>LISTEN [::]:80 p60 v6only=1
= 1 state #2 CLOSE>LISTEN after=? p60 [::]:80
2 open C CLOSE>LISTEN 0.0.0.0:80 p70 mptcp
= 2 state #3 mptcp CLOSE>LISTEN after=? p70 0.0.0.0:80
100 state D LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state D SYN_RECV>ESTABLISHED cookie=4
= 100 state #4 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000
= 101 state #4 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000

== children over IPv6, and mapped ones of a dual-stack listener
0 open A CLOSE>LISTEN [::]:80 p50 v6only=0
= 0 state #1 CLOSE>LISTEN after=? p50 *:80
100 state B LISTEN>SYN_RECV [2001:db8::2]:80>[2001:db8::1]:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 [2001:db8::2]:80>[2001:db8::1]:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 [2001:db8::2]:80>[2001:db8::1]:40000
110 state C LISTEN>SYN_RECV [::ffff:10.0.0.2]:80>[::ffff:10.0.0.1]:40000 cookie=0
111 state C SYN_RECV>ESTABLISHED cookie=3
= 110 state #3 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000 mapped
= 111 state #3 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000 mapped
120 accept C p50
= 120 accept #3 p50 10.0.0.2:80>10.0.0.1:40000 mapped

== an IPv6 listener that takes no IPv4 is not where a mapped child came from
0 open A CLOSE>LISTEN [::]:80 p50 v6only=1
= 0 state #1 CLOSE>LISTEN after=? p50 [::]:80
110 state C LISTEN>SYN_RECV [::ffff:10.0.0.2]:80>[::ffff:10.0.0.1]:40000 cookie=0
111 state C SYN_RECV>ESTABLISHED cookie=3
= 110 state #3 LISTEN>SYN_RECV after=? - 10.0.0.2:80>10.0.0.1:40000 mapped
= 111 state #3 SYN_RECV>ESTABLISHED after=1 - 10.0.0.2:80>10.0.0.1:40000 mapped

== what a wildcard takes is told until the socket has a peer, and again afterwards
0 bind A [::]:80 p50 v6only=0 CLOSE
= 0 bind #1 p50 *:80
10 open A CLOSE>SYN_SENT [::]:80>[2001:db8::1]:443 p50 v6only=0
= 10 state #1 CLOSE>SYN_SENT after=10 p50 [::]:80>[2001:db8::1]:443
20 bind B [::]:81 p50
= 20 bind #2 p50 [::]?:81

== listen again on a socket that was shut down: the kernel still shows the old port, then another
0 open A CLOSE>LISTEN 0.0.0.0:0 p50
= 0 state #1 CLOSE>LISTEN after=? p50 
1 listen A 0.0.0.0:45000 arg=5 p50
= 1 listen #1 backlog=5 p50 0.0.0.0:45000
50 closed A LISTEN>CLOSE
= 50 state #1 LISTEN>CLOSE after=50 p50 0.0.0.0:45000
= 50 close #1 local-close opened=0 lived=50 LISTEN:50 p50 0.0.0.0:45000
60 open A CLOSE>LISTEN p50
= 60 state #1 CLOSE>LISTEN after=10 p50 0.0.0.0:45000
61 listen A 0.0.0.0:46000 arg=5 p50
= 61 listen #1 backlog=5 p50 0.0.0.0:46000
100 state B LISTEN>SYN_RECV 10.0.0.2:46000>10.0.0.1:40000 cookie=0
101 state B SYN_RECV>ESTABLISHED cookie=2
= 100 state #2 LISTEN>SYN_RECV after=? p50 10.0.0.2:46000>10.0.0.1:40000
= 101 state #2 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:46000>10.0.0.1:40000
900 closed A LISTEN>CLOSE shutdown
= 900 state #1 LISTEN>CLOSE after=840 p50 0.0.0.0:46000
= 900 close #1 local-close opened=60 lived=840 LISTEN:840 p50 0.0.0.0:46000
901 destroy A

== the opening of a listener was lost: its time in LISTEN is not told
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
60 listen A LISTEN arg=5 p50
= 60 listen #1 backlog=5 p50 0.0.0.0:80
100 closed A LISTEN>CLOSE shutdown orphan
= 100 state #1 LISTEN>CLOSE after=? p50 0.0.0.0:80
= 100 close #1 local-close opened=? lived=? p50 0.0.0.0:80
101 destroy A

== listen fails: CLOSE, LISTEN, CLOSE, EADDRINUSE; the socket is still bound
0 bind A 0.0.0.0:80 p50
= 0 bind #1 p50 0.0.0.0:80
1 open A CLOSE>LISTEN p50
= 1 state #1 CLOSE>LISTEN after=1 p50 0.0.0.0:80
2 closed A LISTEN>CLOSE
= 2 state #1 LISTEN>CLOSE after=1 p50 0.0.0.0:80
3 listen A res=-98 arg=128 p50
= 3 listen #1 backlog=128 p50 0.0.0.0:80 EADDRINUSE
90 destroy A
= 90 close #1 local-close opened=? lived=? CLOSE:88 p50 0.0.0.0:80

== accept of a child whose birth was lost; its end, lost too, is told at destroy
150 accept B ESTABLISHED 10.0.0.2:80>10.0.0.1:40000 p50
= 150 accept #2 p50 10.0.0.2:80>10.0.0.1:40000
200 destroy B
= 200 close #2 unknown opened=? lived=? p50 10.0.0.2:80>10.0.0.1:40000

== SO_REUSEPORT of two threads is one process
0 open A CLOSE>LISTEN 0.0.0.0:80 p50.51
= 0 state #1 CLOSE>LISTEN after=? p50.51 0.0.0.0:80
1 open B CLOSE>LISTEN 0.0.0.0:80 p50.52
= 1 state #2 CLOSE>LISTEN after=? p50.52 0.0.0.0:80
100 state C LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0
101 state C SYN_RECV>ESTABLISHED cookie=3
= 100 state #3 LISTEN>SYN_RECV after=? p50.51 10.0.0.2:80>10.0.0.1:40000
= 101 state #3 SYN_RECV>ESTABLISHED after=1 p50.51 10.0.0.2:80>10.0.0.1:40000

== a listener whose cookie was not known yet is found by its address
0 open A CLOSE>LISTEN 0.0.0.0:80 cookie=0 p50
= 0 state #0 CLOSE>LISTEN after=? p50 0.0.0.0:80
100 state C LISTEN>SYN_RECV 10.0.0.2:80>10.0.0.1:40000 cookie=0 listener=99
101 state C SYN_RECV>ESTABLISHED cookie=3
= 100 state #3 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000
= 101 state #3 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000

== a mapped child of a listener on ::ffff:0.0.0.0
0 open A CLOSE>LISTEN [::ffff:0.0.0.0]:80 p50
= 0 state #1 CLOSE>LISTEN after=? p50 0.0.0.0:80 mapped
110 state C LISTEN>SYN_RECV [::ffff:10.0.0.2]:80>[::ffff:10.0.0.1]:40000 cookie=0
111 state C SYN_RECV>ESTABLISHED cookie=3
= 110 state #3 LISTEN>SYN_RECV after=? p50 10.0.0.2:80>10.0.0.1:40000 mapped
= 111 state #3 SYN_RECV>ESTABLISHED after=1 p50 10.0.0.2:80>10.0.0.1:40000 mapped
