# Who gave up, what was sent, and whether a TIME_WAIT is left.

== abandoned by close()
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
2000000 closed A SYN_SENT>CLOSE shutdown syns=2 retransmits=1
= 2000000 state #1 SYN_SENT>CLOSE after=2000000 p100 10.0.0.1:40000>10.0.0.2:80
= 2000000 close #1 abandoned opened=0 lived=2000000 sent=0 received=0 retransmits=1 rtt=0 syns=2 SYN_SENT:2000000 p100 10.0.0.1:40000>10.0.0.2:80
2000001 destroy A

== abandoned by shutdown() or AF_UNSPEC: a SYN went out, so no errno is to follow
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
2000000 closed A SYN_SENT>CLOSE syns=1
= 2000000 state #1 SYN_SENT>CLOSE after=2000000 p100 10.0.0.1:40000>10.0.0.2:80
= 2000000 close #1 abandoned opened=0 lived=2000000 syns=1 SYN_SENT:2000000 p100 10.0.0.1:40000>10.0.0.2:80
2000001 destroy A

== no answer to any SYN
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
2000000 closed A SYN_SENT>CLOSE err=110 syns=3 unacked=1
= 2000000 state #1 SYN_SENT>CLOSE after=2000000 p100 10.0.0.1:40000>10.0.0.2:80
= 2000000 close #1 timeout opened=0 lived=2000000 syns=3 SYN_SENT:2000000 p100 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
2000001 destroy A

== no answer to any SYN before the user's time is over
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
2000000 closed A SYN_SENT>CLOSE err=110 syns=3 user-timeout=5000 unacked=1
= 2000000 state #1 SYN_SENT>CLOSE after=2000000 p100 10.0.0.1:40000>10.0.0.2:80
= 2000000 close #1 timeout opened=0 lived=2000000 syns=3 SYN_SENT:2000000 p100 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
2000001 destroy A

== the user's time is over before all SYNs are out
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
2000000 closed A SYN_SENT>CLOSE err=110 syns=2 user-timeout=2000 unacked=1
= 2000000 state #1 SYN_SENT>CLOSE after=2000000 p100 10.0.0.1:40000>10.0.0.2:80
= 2000000 close #1 user-timeout opened=0 lived=2000000 syns=2 SYN_SENT:2000000 p100 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
2000001 destroy A

== killed before it was connected
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
2000000 closed A SYN_SENT>CLOSE err=103 syns=1
= 2000000 state #1 SYN_SENT>CLOSE after=2000000 p100 10.0.0.1:40000>10.0.0.2:80
= 2000000 close #1 aborted(killed) opened=0 lived=2000000 syns=1 SYN_SENT:2000000 p100 10.0.0.1:40000>10.0.0.2:80 ECONNABORTED
2000001 destroy A

== data is not acknowledged
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=110 heard heard=900 unacked=77 retransmits=5
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 timeout opened=? lived=? sent=0 received=0 retransmits=5 rtt=0 heard=900 unacked=77 ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
101 destroy A

== data is not acknowledged in the user's time, keepalive or not
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=110 heard heard=900 unacked=77 user-timeout=700 probes=1
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 user-timeout opened=? lived=? heard=900 unacked=77 ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
101 destroy A

== idle, and probes are not answered
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=110 heard heard=2000 probes=2
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 keepalive opened=? lived=? heard=2000 unacked=0 ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
101 destroy A

== ... within the user's time
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=110 heard heard=2000 probes=2 user-timeout=1500
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 keepalive opened=? lived=? heard=2000 unacked=0 ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
101 destroy A

== a closed window whose probes are not answered
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=110 heard heard=2000 probes=15 unacked=10
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 timeout opened=? lived=? heard=2000 unacked=10 ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
101 destroy A

== only the FIN is not acknowledged
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT1
= 50 state #1 ESTABLISHED>FIN_WAIT1 after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A FIN_WAIT1>CLOSE err=110 orphan shutdown heard heard=10 unacked=1
= 100 state #1 FIN_WAIT1>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 timeout opened=? lived=? heard=10 unacked=0 ESTABLISHED:50,FIN_WAIT1:50 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
101 destroy A

== the host cannot be reached any more
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=113 heard heard=10 unacked=5
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 unreachable opened=? lived=? heard=10 unacked=5 ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 EHOSTUNREACH
101 destroy A

== a reset says nothing of silence
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=104 heard heard=10 unacked=5
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 peer-reset opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ECONNRESET
101 destroy A

== SO_LINGER 0
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE shutdown cut linger
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-reset(linger) opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== unread data comes before SO_LINGER 0
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE shutdown cut linger unread
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-reset(unread) opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== connect(AF_UNSPEC), whatever else
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE cut linger unread
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-reset(disconnect) opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== a reset follows a FIN
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT2
= 50 state #1 ESTABLISHED>FIN_WAIT2 after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A FIN_WAIT2>CLOSE shutdown cut linger
= 100 state #1 FIN_WAIT2>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-reset(linger) opened=? lived=? ESTABLISHED:50,FIN_WAIT2:50 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== killed
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE err=103
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-reset(killed) opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ECONNABORTED
101 destroy A

== killed where no reset is sent
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>LAST_ACK
= 50 state #1 ESTABLISHED>LAST_ACK after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A LAST_ACK>CLOSE err=103 orphan shutdown
= 100 state #1 LAST_ACK>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 aborted(killed) opened=? lived=? ESTABLISHED:50,LAST_ACK:50 - 10.0.0.1:40000>10.0.0.2:80 ECONNABORTED
101 destroy A

== in repair nothing is sent
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE shutdown cut linger unread repair
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-close opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== repair in FIN_WAIT1
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT1
= 50 state #1 ESTABLISHED>FIN_WAIT1 after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A FIN_WAIT1>CLOSE shutdown cut repair
= 100 state #1 FIN_WAIT1>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-close opened=? lived=? ESTABLISHED:50,FIN_WAIT1:50 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== no room for a TIME_WAIT
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT2
= 50 state #1 ESTABLISHED>FIN_WAIT2 after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A FIN_WAIT2>CLOSE shutdown fin-received tw-none
= 100 state #1 FIN_WAIT2>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-close opened=? lived=? ESTABLISHED:50,FIN_WAIT2:50 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== perhaps no room for a TIME_WAIT
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT2
= 50 state #1 ESTABLISHED>FIN_WAIT2 after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A FIN_WAIT2>CLOSE shutdown fin-received tw-full
= 100 state #1 FIN_WAIT2>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-close time-wait? opened=? lived=? ESTABLISHED:50,FIN_WAIT2:50 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A

== a hook would have told of a TIME_WAIT
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT2
= 50 state #1 ESTABLISHED>FIN_WAIT2 after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A FIN_WAIT2>CLOSE shutdown fin-received tw-told
= 100 state #1 FIN_WAIT2>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-close opened=? lived=? ESTABLISHED:50,FIN_WAIT2:50 - 10.0.0.1:40000>10.0.0.2:80
101 destroy A
