# Sockets that connect, and how they end (kernel-facts: what inet_sock_set_state shows).

== active connect, active close, TIME_WAIT
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
1105 state A ESTABLISHED>FIN_WAIT1
= 1105 state #1 ESTABLISHED>FIN_WAIT1 after=1000 p100 10.0.0.1:40000>10.0.0.2:80
1205 state A FIN_WAIT1>FIN_WAIT2
= 1205 state #1 FIN_WAIT1>FIN_WAIT2 after=100 p100 10.0.0.1:40000>10.0.0.2:80
1305 closed A FIN_WAIT2>CLOSE orphan fin-received shutdown sent=10 received=20 retransmits=1 rtt=99
= 1305 state #1 FIN_WAIT2>TIME_WAIT after=100 p100 10.0.0.1:40000>10.0.0.2:80
= 1305 close #1 local-close time-wait opened=0 lived=1305 sent=10 received=20 retransmits=1 rtt=99 SYN_SENT:105,ESTABLISHED:1000,FIN_WAIT1:100,FIN_WAIT2:100 p100 10.0.0.1:40000>10.0.0.2:80
1306 destroy A

== trampolines name the caller again in connect, thread and all
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100.101
= 0 state #1 CLOSE>SYN_SENT after=? p100.101 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80 p100.101
= 5 connect #1 autobind p100.101 10.0.0.1:40000>10.0.0.2:80
9 state A SYN_SENT>ESTABLISHED
= 9 state #1 SYN_SENT>ESTABLISHED after=9 p100.101 10.0.0.1:40000>10.0.0.2:80

== bound before connect is not autobind
0 bind A 10.0.0.1:5000 p100
= 0 bind #1 p100 10.0.0.1:5000
5 open A CLOSE>SYN_SENT 10.0.0.1:5000>10.0.0.2:80 p100
= 5 state #1 CLOSE>SYN_SENT after=5 p100 10.0.0.1:5000>10.0.0.2:80
6 connect A
= 6 connect #1 p100 10.0.0.1:5000>10.0.0.2:80
50 state A SYN_SENT>ESTABLISHED
= 50 state #1 SYN_SENT>ESTABLISHED after=45 p100 10.0.0.1:5000>10.0.0.2:80

== IP_BIND_ADDRESS_NO_PORT binds an address, connect chooses the port
0 bind A 10.0.0.1:0 p100
= 0 bind #1 p100 10.0.0.1:0
5 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 5 state #1 CLOSE>SYN_SENT after=5 p100 10.0.0.1:0>10.0.0.2:80
6 connect A 10.0.0.1:41000>10.0.0.2:80 p100
= 6 connect #1 autobind p100 10.0.0.1:41000>10.0.0.2:80
50 state A SYN_SENT>ESTABLISHED
= 50 state #1 SYN_SENT>ESTABLISHED after=45 p100 10.0.0.1:41000>10.0.0.2:80

== refused, tracepoints
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
30 closed A SYN_SENT>CLOSE err=111
= 30 state #1 SYN_SENT>CLOSE after=30 p100 10.0.0.1:40000>10.0.0.2:80
= 30 close #1 refused opened=0 lived=30 SYN_SENT:30 p100 10.0.0.1:40000>10.0.0.2:80 ECONNREFUSED
40 connect A CLOSE res=-111 opened p100
99 destroy A

== timeout in softirq
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
127000000 closed A SYN_SENT>CLOSE err=110 retransmits=6
= 127000000 state #1 SYN_SENT>CLOSE after=127000000 p100 10.0.0.1:40000>10.0.0.2:80
= 127000000 close #1 timeout opened=0 lived=127000000 sent=0 received=0 retransmits=6 rtt=0 SYN_SENT:127000000 p100 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
127000010 connect A res=-110 opened p100
127000020 destroy A

== host unreachable by ICMP
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
3000 closed A SYN_SENT>CLOSE err=113
= 3000 state #1 SYN_SENT>CLOSE after=3000 p100 10.0.0.1:40000>10.0.0.2:80
= 3000 close #1 unreachable opened=0 lived=3000 SYN_SENT:3000 p100 10.0.0.1:40000>10.0.0.2:80 EHOSTUNREACH

== ports exhausted
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
20 closed A SYN_SENT>CLOSE
= 20 state #1 SYN_SENT>CLOSE after=20 p100 10.0.0.1:0>10.0.0.2:80
25 connect A res=-99 opened p100
= 25 connect #1 p100 >10.0.0.2:80 EADDRNOTAVAIL
= 20 close #1 port-exhausted opened=0 lived=20 SYN_SENT:20 p100 10.0.0.1:0>10.0.0.2:80 EADDRNOTAVAIL
90 destroy A

== ports exhausted, the errno lost: the shape tells
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
20 closed A SYN_SENT>CLOSE
= 20 state #1 SYN_SENT>CLOSE after=20 p100 10.0.0.1:0>10.0.0.2:80
1000019 release
1000020 release
= 20 close #1 port-exhausted opened=0 lived=20 SYN_SENT:20 p100 10.0.0.1:0>10.0.0.2:80
1000100 destroy A

== ports exhausted, the errno lost: the socket has gone, so its call has returned
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
20 closed A SYN_SENT>CLOSE
= 20 state #1 SYN_SENT>CLOSE after=20 p100 10.0.0.1:0>10.0.0.2:80
90 destroy A
= 20 close #1 port-exhausted opened=0 lived=20 SYN_SENT:20 p100 10.0.0.1:0>10.0.0.2:80
95 open B CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 95 state #2 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80

== ports exhausted, and the caller is kept from returning: its call still comes before the end
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
20 closed A SYN_SENT>CLOSE
= 20 state #1 SYN_SENT>CLOSE after=20 p100 10.0.0.1:0>10.0.0.2:80
300000 release
300025 connect A res=-99 opened p100
= 300025 connect #1 p100 >10.0.0.2:80 EADDRNOTAVAIL
= 20 close #1 port-exhausted opened=0 lived=20 SYN_SENT:20 p100 10.0.0.1:0>10.0.0.2:80 EADDRNOTAVAIL

== who is kept from returning keeps no other end
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
20 closed A SYN_SENT>CLOSE
= 20 state #1 SYN_SENT>CLOSE after=20 p100 10.0.0.1:0>10.0.0.2:80
30 state B SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 30 state #2 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
40 closed B FIN_WAIT2>CLOSE orphan shutdown
540 release
= 40 state #2 FIN_WAIT2>TIME_WAIT(FIN_WAIT2) after=? - 10.0.0.1:40000>10.0.0.2:80
= 40 close #2 local-close time-wait opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80
300025 connect A res=-99 opened p100
= 300025 connect #1 p100 >10.0.0.2:80 EADDRNOTAVAIL
= 20 close #1 port-exhausted opened=0 lived=20 SYN_SENT:20 p100 10.0.0.1:0>10.0.0.2:80 EADDRNOTAVAIL

== no memory has the shape of ports exhausted, its errno tells
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
20 closed A SYN_SENT>CLOSE
= 20 state #1 SYN_SENT>CLOSE after=20 p100 10.0.0.1:0>10.0.0.2:80
25 connect A res=-12 opened p100
= 25 connect #1 p100 >10.0.0.2:80 ENOMEM
= 20 close #1 unknown opened=0 lived=20 SYN_SENT:20 p100 10.0.0.1:0>10.0.0.2:80 ENOMEM

== the 4-tuple is taken on a bound port
0 bind A 10.0.0.1:5000 p100
= 0 bind #1 p100 10.0.0.1:5000
5 open A CLOSE>SYN_SENT 10.0.0.1:5000>10.0.0.2:80 p100
= 5 state #1 CLOSE>SYN_SENT after=5 p100 10.0.0.1:5000>10.0.0.2:80
20 closed A SYN_SENT>CLOSE
= 20 state #1 SYN_SENT>CLOSE after=15 p100 10.0.0.1:5000>10.0.0.2:80
25 connect A res=-99 opened p100
= 25 connect #1 p100 10.0.0.1:5000>10.0.0.2:80 EADDRNOTAVAIL
= 20 close #1 unknown opened=5 lived=15 SYN_SENT:15 p100 10.0.0.1:5000>10.0.0.2:80 EADDRNOTAVAIL
90 destroy A

== close during SYN_SENT
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
70 closed A SYN_SENT>CLOSE orphan shutdown
= 70 state #1 SYN_SENT>CLOSE after=70 p100 10.0.0.1:40000>10.0.0.2:80
= 70 close #1 abandoned opened=0 lived=70 SYN_SENT:70 p100 10.0.0.1:40000>10.0.0.2:80
71 destroy A

== no route: only the return value tells
25 connect A CLOSE 0.0.0.0:0>10.9.9.9:80 res=-101 p100
= 25 connect #1 p100 >10.9.9.9:80 ENETUNREACH
90 destroy A

== interrupted connect goes on
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
50 connect A res=-4 opened p100
90 state A SYN_SENT>ESTABLISHED
= 90 state #1 SYN_SENT>ESTABLISHED after=90 p100 10.0.0.1:40000>10.0.0.2:80

== a second try on the same socket after refused
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
30 closed A SYN_SENT>CLOSE err=111
= 30 state #1 SYN_SENT>CLOSE after=30 p100 10.0.0.1:40000>10.0.0.2:80
= 30 close #1 refused opened=0 lived=30 SYN_SENT:30 p100 10.0.0.1:40000>10.0.0.2:80 ECONNREFUSED
100 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.3:80 p100
= 100 state #1 CLOSE>SYN_SENT after=70 p100 10.0.0.1:0>10.0.0.3:80
105 connect A 10.0.0.1:40001>10.0.0.3:80
= 105 connect #1 autobind p100 10.0.0.1:40001>10.0.0.3:80
130 state A SYN_SENT>ESTABLISHED
= 130 state #1 SYN_SENT>ESTABLISHED after=30 p100 10.0.0.1:40001>10.0.0.3:80
230 closed A ESTABLISHED>CLOSE shutdown
= 230 state #1 ESTABLISHED>CLOSE after=100 p100 10.0.0.1:40001>10.0.0.3:80
= 230 close #1 local-reset opened=100 lived=130 SYN_SENT:30,ESTABLISHED:100 p100 10.0.0.1:40001>10.0.0.3:80
231 destroy A

== connect over IPv6
0 open A CLOSE>SYN_SENT [2001:db8::1]:0>[2001:db8::2]:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 [2001:db8::1]:0>[2001:db8::2]:80
5 connect A [2001:db8::1]:40000>[2001:db8::2]:80
= 5 connect #1 autobind p100 [2001:db8::1]:40000>[2001:db8::2]:80
105 state A SYN_SENT>ESTABLISHED
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 [2001:db8::1]:40000>[2001:db8::2]:80

== connect of an IPv6 socket to a mapped address
0 open A CLOSE>SYN_SENT [::ffff:127.0.0.1]:0>[::ffff:127.0.0.1]:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 127.0.0.1:0>127.0.0.1:80 mapped
5 connect A [::ffff:127.0.0.1]:40000>[::ffff:127.0.0.1]:80
= 5 connect #1 autobind p100 127.0.0.1:40000>127.0.0.1:80 mapped
105 state A SYN_SENT>ESTABLISHED
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 127.0.0.1:40000>127.0.0.1:80 mapped

== MPTCP, the socket itself and its subflow
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100 mptcp
= 0 state #1 mptcp CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
2 open B CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 2 state #2 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect B 10.0.0.1:40000>10.0.0.2:80
= 5 connect #2 autobind p100 10.0.0.1:40000>10.0.0.2:80
90 state B SYN_SENT>ESTABLISHED
= 90 state #2 SYN_SENT>ESTABLISHED after=88 p100 10.0.0.1:40000>10.0.0.2:80
91 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 mptcp
= 91 state #1 mptcp SYN_SENT>ESTABLISHED after=91 p100 10.0.0.1:40000>10.0.0.2:80

== dissolved in SYN_SENT and connected again at once: the first end comes first
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
30 closed A SYN_SENT>CLOSE
= 30 state #1 SYN_SENT>CLOSE after=30 p100 10.0.0.1:40000>10.0.0.2:80
40 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.3:80 p100
= 30 close #1 abandoned opened=0 lived=30 SYN_SENT:30 p100 10.0.0.1:40000>10.0.0.2:80
= 40 state #1 CLOSE>SYN_SENT after=10 p100 10.0.0.1:0>10.0.0.3:80
45 connect A 10.0.0.1:40001>10.0.0.3:80
= 45 connect #1 autobind p100 10.0.0.1:40001>10.0.0.3:80
700 state A SYN_SENT>ESTABLISHED
= 700 state #1 SYN_SENT>ESTABLISHED after=660 p100 10.0.0.1:40001>10.0.0.3:80

== dissolved in SYN_SENT and bound at once: the first end comes first
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
30 closed A SYN_SENT>CLOSE
= 30 state #1 SYN_SENT>CLOSE after=30 p100 10.0.0.1:40000>10.0.0.2:80
40 bind A 10.0.0.1:5000 p100
= 30 close #1 abandoned opened=0 lived=30 SYN_SENT:30 p100 10.0.0.1:40000>10.0.0.2:80
= 40 bind #1 p100 10.0.0.1:5000

== connect reported twice is shown once
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
6 connect A p100
105 state A SYN_SENT>ESTABLISHED
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80

== connects again, and both facts between the lives are lost
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
30 closed A SYN_SENT>CLOSE err=111
= 30 state #1 SYN_SENT>CLOSE after=30 p100 10.0.0.1:40000>10.0.0.2:80
= 30 close #1 refused opened=0 lived=30 SYN_SENT:30 p100 10.0.0.1:40000>10.0.0.2:80 ECONNREFUSED
105 connect A SYN_SENT 10.0.0.1:40001>10.0.0.3:80
= 105 connect #1 p100 10.0.0.1:40001>10.0.0.3:80
130 state A SYN_SENT>ESTABLISHED
= 130 state #1 SYN_SENT>ESTABLISHED after=? p100 10.0.0.1:40001>10.0.0.3:80

== interrupted connect goes on, no fact told its port before
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
50 connect A 10.0.0.1:40000>10.0.0.2:80 res=-512 opened p100
= 50 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
90 state A SYN_SENT>ESTABLISHED
= 90 state #1 SYN_SENT>ESTABLISHED after=90 p100 10.0.0.1:40000>10.0.0.2:80

== refused, known only from the return of connect
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
30 closed A SYN_SENT>CLOSE 10.0.0.1:40000>10.0.0.2:80 err=111
= 30 state #1 SYN_SENT>CLOSE after=30 p100 10.0.0.1:40000>10.0.0.2:80
= 30 close #1 refused opened=0 lived=30 SYN_SENT:30 p100 10.0.0.1:40000>10.0.0.2:80 ECONNREFUSED
40 connect A CLOSE res=-111 opened p100
= 40 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80 ECONNREFUSED
99 destroy A

== a program sends it elsewhere: the close tells what was asked for, the next connection is its own
0 asked A 0.0.0.0:0>10.96.0.1:80
1 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:8080 p100
= 1 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:8080
5 connect A 10.0.0.1:40000>10.0.0.2:8080
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:8080
