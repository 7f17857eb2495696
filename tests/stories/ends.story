# Ways an established connection ends.

== passive close
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>CLOSE_WAIT
= 100 state #1 ESTABLISHED>CLOSE_WAIT after=100 - 10.0.0.1:40000>10.0.0.2:80
200 state A CLOSE_WAIT>LAST_ACK
= 200 state #1 CLOSE_WAIT>LAST_ACK after=100 - 10.0.0.1:40000>10.0.0.2:80
300 closed A LAST_ACK>CLOSE orphan fin-received shutdown
= 300 state #1 LAST_ACK>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 300 close #1 peer-close opened=? lived=? ESTABLISHED:100,CLOSE_WAIT:100,LAST_ACK:100 - 10.0.0.1:40000>10.0.0.2:80
301 destroy A

== simultaneous close
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>FIN_WAIT1
= 100 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 state A FIN_WAIT1>CLOSING
= 200 state #1 FIN_WAIT1>CLOSING after=100 - 10.0.0.1:40000>10.0.0.2:80
300 closed A CLOSING>CLOSE orphan fin-received shutdown
= 300 state #1 CLOSING>TIME_WAIT after=100 - 10.0.0.1:40000>10.0.0.2:80
= 300 close #1 local-close time-wait opened=? lived=? ESTABLISHED:100,FIN_WAIT1:100,CLOSING:100 - 10.0.0.1:40000>10.0.0.2:80
301 destroy A

== active close without orphan: shutdown, the peer's FIN, close
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>FIN_WAIT1
= 100 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 state A FIN_WAIT1>FIN_WAIT2
= 200 state #1 FIN_WAIT1>FIN_WAIT2 after=100 - 10.0.0.1:40000>10.0.0.2:80
300 closed A FIN_WAIT2>CLOSE fin-received shutdown
= 300 state #1 FIN_WAIT2>TIME_WAIT after=100 - 10.0.0.1:40000>10.0.0.2:80
= 300 close #1 local-close time-wait opened=? lived=? ESTABLISHED:100,FIN_WAIT1:100,FIN_WAIT2:100 - 10.0.0.1:40000>10.0.0.2:80
301 destroy A

== orphan in FIN_WAIT2 leaves to a minisock at once
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>FIN_WAIT1
= 100 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 state A FIN_WAIT1>FIN_WAIT2
= 200 state #1 FIN_WAIT1>FIN_WAIT2 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 closed A FIN_WAIT2>CLOSE orphan shutdown
201 destroy A
699 release
700 release
= 200 state #1 FIN_WAIT2>TIME_WAIT(FIN_WAIT2) after=0 - 10.0.0.1:40000>10.0.0.2:80
= 200 close #1 local-close time-wait opened=? lived=? ESTABLISHED:100,FIN_WAIT1:100,FIN_WAIT2:0 - 10.0.0.1:40000>10.0.0.2:80

== data for an orphan in FIN_WAIT2: reset after destroy
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>FIN_WAIT1
= 100 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 state A FIN_WAIT1>FIN_WAIT2
= 200 state #1 FIN_WAIT1>FIN_WAIT2 after=100 - 10.0.0.1:40000>10.0.0.2:80
201 closed A FIN_WAIT2>CLOSE orphan shutdown
202 destroy A
203 reset-sent A CLOSE
= 201 state #1 FIN_WAIT2>CLOSE after=1 - 10.0.0.1:40000>10.0.0.2:80
= 201 close #1 local-reset(late-data) opened=? lived=? ESTABLISHED:100,FIN_WAIT1:100,FIN_WAIT2:1 - 10.0.0.1:40000>10.0.0.2:80

== what set the error may be kept from sending the reset: a processor that is taken away
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>FIN_WAIT1
= 100 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 state A FIN_WAIT1>FIN_WAIT2
= 200 state #1 FIN_WAIT1>FIN_WAIT2 after=100 - 10.0.0.1:40000>10.0.0.2:80
201 closed A FIN_WAIT2>CLOSE orphan err=104 shutdown
202 destroy A
9000 release
9001 reset-sent A CLOSE
= 201 state #1 FIN_WAIT2>CLOSE after=1 - 10.0.0.1:40000>10.0.0.2:80
= 201 close #1 local-reset(late-data) opened=? lived=? ESTABLISHED:100,FIN_WAIT1:100,FIN_WAIT2:1 - 10.0.0.1:40000>10.0.0.2:80

== data for an orphan in FIN_WAIT1: reset after destroy
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>FIN_WAIT1
= 100 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 closed A FIN_WAIT1>CLOSE orphan shutdown
201 destroy A
202 reset-sent A
= 200 state #1 FIN_WAIT1>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 200 close #1 local-reset opened=? lived=? ESTABLISHED:100,FIN_WAIT1:100 - 10.0.0.1:40000>10.0.0.2:80

== linger2 below zero ends FIN_WAIT2 by a reset
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 state A ESTABLISHED>FIN_WAIT1
= 100 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 state A FIN_WAIT1>FIN_WAIT2
= 200 state #1 FIN_WAIT1>FIN_WAIT2 after=100 - 10.0.0.1:40000>10.0.0.2:80
200 closed A FIN_WAIT2>CLOSE orphan shutdown linger2-off
= 200 state #1 FIN_WAIT2>CLOSE after=0 - 10.0.0.1:40000>10.0.0.2:80
= 200 close #1 local-reset(linger2) opened=? lived=? ESTABLISHED:100,FIN_WAIT1:100,FIN_WAIT2:0 - 10.0.0.1:40000>10.0.0.2:80
201 reset-sent A CLOSE
202 destroy A

== reset sent by SO_LINGER 0
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 closed A ESTABLISHED>CLOSE orphan shutdown
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-reset opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80
101 reset-sent A CLOSE
102 destroy A

== reset sent because of unread data, in CLOSE_WAIT
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>CLOSE_WAIT
= 50 state #1 ESTABLISHED>CLOSE_WAIT after=50 - 10.0.0.1:40000>10.0.0.2:80
100 closed A CLOSE_WAIT>CLOSE orphan shutdown fin-received
= 100 state #1 CLOSE_WAIT>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-reset opened=? lived=? ESTABLISHED:50,CLOSE_WAIT:50 - 10.0.0.1:40000>10.0.0.2:80
102 destroy A

== reset received
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
100 reset-received A
100 closed A ESTABLISHED>CLOSE err=104
= 100 state #1 ESTABLISHED>CLOSE after=100 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 peer-reset opened=? lived=? ESTABLISHED:100 - 10.0.0.1:40000>10.0.0.2:80 ECONNRESET
200 destroy A

== reset received after the peer's FIN is EPIPE
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>CLOSE_WAIT
= 50 state #1 ESTABLISHED>CLOSE_WAIT after=50 - 10.0.0.1:40000>10.0.0.2:80
100 reset-received A
100 closed A CLOSE_WAIT>CLOSE err=32 fin-received
= 100 state #1 CLOSE_WAIT>CLOSE after=50 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 peer-reset opened=? lived=? ESTABLISHED:50,CLOSE_WAIT:50 - 10.0.0.1:40000>10.0.0.2:80 EPIPE
200 destroy A

== reset received in FIN_WAIT2 leaves no TIME_WAIT
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT1
= 50 state #1 ESTABLISHED>FIN_WAIT1 after=50 - 10.0.0.1:40000>10.0.0.2:80
60 state A FIN_WAIT1>FIN_WAIT2
= 60 state #1 FIN_WAIT1>FIN_WAIT2 after=10 - 10.0.0.1:40000>10.0.0.2:80
100 reset-received A
100 closed A FIN_WAIT2>CLOSE err=104 shutdown
= 100 state #1 FIN_WAIT2>CLOSE after=40 - 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 peer-reset opened=? lived=? ESTABLISHED:50,FIN_WAIT1:10,FIN_WAIT2:40 - 10.0.0.1:40000>10.0.0.2:80 ECONNRESET
200 destroy A

== retransmissions give up
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
900000000 closed A ESTABLISHED>CLOSE err=110 sent=10 retransmits=15
= 900000000 state #1 ESTABLISHED>CLOSE after=900000000 - 10.0.0.1:40000>10.0.0.2:80
= 900000000 close #1 timeout opened=? lived=? sent=10 received=0 retransmits=15 rtt=0 ESTABLISHED:900000000 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
900000001 destroy A

== retransmissions give up on an orphan
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT1
= 50 state #1 ESTABLISHED>FIN_WAIT1 after=50 - 10.0.0.1:40000>10.0.0.2:80
900 closed A FIN_WAIT1>CLOSE err=110 orphan shutdown
= 900 state #1 FIN_WAIT1>CLOSE after=850 - 10.0.0.1:40000>10.0.0.2:80
= 900 close #1 timeout opened=? lived=? ESTABLISHED:50,FIN_WAIT1:850 - 10.0.0.1:40000>10.0.0.2:80 ETIMEDOUT
901 destroy A

== the end was lost: destroy closes with what is known
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
900 destroy A
= 900 close #1 unknown opened=0 lived=900 SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80

== a change lost in the middle: no time is told for what was not seen
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
505 state A ESTABLISHED>FIN_WAIT1
= 505 state #1 ESTABLISHED>FIN_WAIT1 after=? p100 10.0.0.1:40000>10.0.0.2:80
605 closed A FIN_WAIT2>CLOSE fin-received shutdown
= 605 state #1 FIN_WAIT2>TIME_WAIT after=? p100 10.0.0.1:40000>10.0.0.2:80
= 605 close #1 local-close time-wait opened=0 lived=605 p100 10.0.0.1:40000>10.0.0.2:80
606 destroy A

== first seen at its end
605 closed A ESTABLISHED>CLOSE 10.0.0.1:40000>10.0.0.2:80 shutdown
= 605 state #1 ESTABLISHED>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80
= 605 close #1 local-reset opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80
606 destroy A

== first seen at destroy: nothing to tell
606 destroy A

== a change repeated counts once
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
106 state A SYN_SENT>ESTABLISHED
= 106 state #1 SYN_SENT>ESTABLISHED after=? p100 10.0.0.1:40000>10.0.0.2:80
200 closed A ESTABLISHED>CLOSE shutdown
= 200 state #1 ESTABLISHED>CLOSE after=94 p100 10.0.0.1:40000>10.0.0.2:80
= 200 close #1 local-reset opened=0 lived=200 SYN_SENT:105,ESTABLISHED:94 p100 10.0.0.1:40000>10.0.0.2:80

== a time before the last one is no time
100 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 100 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
90 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 90 state #1 SYN_SENT>ESTABLISHED after=? p100 10.0.0.1:40000>10.0.0.2:80
80 closed A ESTABLISHED>CLOSE shutdown
= 80 state #1 ESTABLISHED>CLOSE after=? p100 10.0.0.1:40000>10.0.0.2:80
= 80 close #1 local-reset opened=100 lived=? p100 10.0.0.1:40000>10.0.0.2:80
81 destroy A

== more states than a record keeps
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
10 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 10 state #1 SYN_SENT>ESTABLISHED after=10 p100 10.0.0.1:40000>10.0.0.2:80
20 state A ESTABLISHED>FIN_WAIT1
= 20 state #1 ESTABLISHED>FIN_WAIT1 after=10 p100 10.0.0.1:40000>10.0.0.2:80
30 state A FIN_WAIT1>FIN_WAIT2
= 30 state #1 FIN_WAIT1>FIN_WAIT2 after=10 p100 10.0.0.1:40000>10.0.0.2:80
40 state A FIN_WAIT2>ESTABLISHED
= 40 state #1 FIN_WAIT2>ESTABLISHED after=10 p100 10.0.0.1:40000>10.0.0.2:80
50 state A ESTABLISHED>FIN_WAIT1
= 50 state #1 ESTABLISHED>FIN_WAIT1 after=10 p100 10.0.0.1:40000>10.0.0.2:80
60 state A FIN_WAIT1>FIN_WAIT2
= 60 state #1 FIN_WAIT1>FIN_WAIT2 after=10 p100 10.0.0.1:40000>10.0.0.2:80
70 state A FIN_WAIT2>ESTABLISHED
= 70 state #1 FIN_WAIT2>ESTABLISHED after=10 p100 10.0.0.1:40000>10.0.0.2:80
80 state A ESTABLISHED>CLOSE_WAIT
= 80 state #1 ESTABLISHED>CLOSE_WAIT after=10 p100 10.0.0.1:40000>10.0.0.2:80
90 state A CLOSE_WAIT>LAST_ACK
= 90 state #1 CLOSE_WAIT>LAST_ACK after=10 p100 10.0.0.1:40000>10.0.0.2:80
100 closed A LAST_ACK>CLOSE fin-received shutdown
= 100 state #1 LAST_ACK>CLOSE after=10 p100 10.0.0.1:40000>10.0.0.2:80
= 100 close #1 local-close opened=0 lived=100 SYN_SENT:10,ESTABLISHED:10,FIN_WAIT1:10,FIN_WAIT2:10,ESTABLISHED:10,FIN_WAIT1:10,FIN_WAIT2:10,ESTABLISHED:10 p100 10.0.0.1:40000>10.0.0.2:80

== sockets without a kernel address are told and not kept
0 state Z SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80 cookie=5 sk=0
= 0 state #5 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
10 closed Z FIN_WAIT2>CLOSE orphan shutdown sk=0
600 release
= 10 state #5 FIN_WAIT2>TIME_WAIT(FIN_WAIT2) after=? - 10.0.0.1:40000>10.0.0.2:80
= 10 close #5 local-close time-wait opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80

== a reset of the pointer's next life does not explain the end before
0 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 0 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
200 closed A FIN_WAIT2>CLOSE orphan shutdown
201 destroy A
210 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100 cookie=77
= 210 state #77 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
211 connect A 10.0.0.1:40001>10.0.0.2:80
= 211 connect #77 autobind p100 10.0.0.1:40001>10.0.0.2:80
220 state A SYN_SENT>ESTABLISHED
= 220 state #77 SYN_SENT>ESTABLISHED after=10 p100 10.0.0.1:40001>10.0.0.2:80
230 reset-sent A
231 closed A ESTABLISHED>CLOSE shutdown
= 231 state #77 ESTABLISHED>CLOSE after=11 p100 10.0.0.1:40001>10.0.0.2:80
= 231 close #77 local-reset opened=210 lived=21 SYN_SENT:10,ESTABLISHED:11 p100 10.0.0.1:40001>10.0.0.2:80
800 release
= 200 state #1 FIN_WAIT2>TIME_WAIT(FIN_WAIT2) after=? - 10.0.0.1:40000>10.0.0.2:80
= 200 close #1 local-close time-wait opened=? lived=? - 10.0.0.1:40000>10.0.0.2:80

== a hook's second copy repeats what is known, and tells what the first could not
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100 again
5 connect A 10.0.0.1:40000>10.0.0.2:80
= 5 connect #1 autobind p100 10.0.0.1:40000>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED again
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED again
205 closed A ESTABLISHED>CLOSE shutdown
= 205 state #1 ESTABLISHED>CLOSE after=100 p100 10.0.0.1:40000>10.0.0.2:80
= 205 close #1 local-reset opened=0 lived=205 SYN_SENT:105,ESTABLISHED:100 p100 10.0.0.1:40000>10.0.0.2:80
205 closed A ESTABLISHED>CLOSE shutdown again
206 destroy A again
206 destroy A again
