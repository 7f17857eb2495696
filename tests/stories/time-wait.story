# TIME_WAIT where a hook tells who enters it and when it ends.

== entered with the peer's FIN, left a minute later
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
200 state A ESTABLISHED>FIN_WAIT1
= 200 state #1 ESTABLISHED>FIN_WAIT1 after=95 p100 10.0.0.1:40000>10.0.0.2:80
210 state A FIN_WAIT1>FIN_WAIT2
= 210 state #1 FIN_WAIT1>FIN_WAIT2 after=10 p100 10.0.0.1:40000>10.0.0.2:80
300 time-wait A FIN_WAIT2>TIME_WAIT listener=4096
301 closed A FIN_WAIT2>CLOSE fin-received shutdown
= 301 state #1 FIN_WAIT2>TIME_WAIT after=91 p100 10.0.0.1:40000>10.0.0.2:80
= 301 close #1 local-close time-wait opened=0 lived=301 SYN_SENT:105,ESTABLISHED:95,FIN_WAIT1:10,FIN_WAIT2:91 p100 10.0.0.1:40000>10.0.0.2:80
302 destroy A
303 lives
60000300 time-wait-end B TIME_WAIT>CLOSE sk=4096 cookie=1 10.0.0.1:40000>10.0.0.2:80
= 60000300 state #1 TIME_WAIT>CLOSE after=60000000 p100 10.0.0.1:40000>10.0.0.2:80

== an orphan still in FIN_WAIT2 is known at once
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
200 state A ESTABLISHED>FIN_WAIT1
= 200 state #1 ESTABLISHED>FIN_WAIT1 after=95 p100 10.0.0.1:40000>10.0.0.2:80
210 state A FIN_WAIT1>FIN_WAIT2
= 210 state #1 FIN_WAIT1>FIN_WAIT2 after=10 p100 10.0.0.1:40000>10.0.0.2:80
210 time-wait A FIN_WAIT2>FIN_WAIT2 listener=4096
210 closed A FIN_WAIT2>CLOSE orphan shutdown
= 210 state #1 FIN_WAIT2>TIME_WAIT(FIN_WAIT2) after=0 p100 10.0.0.1:40000>10.0.0.2:80
= 210 close #1 local-close time-wait opened=0 lived=210 SYN_SENT:105,ESTABLISHED:95,FIN_WAIT1:10,FIN_WAIT2:0 p100 10.0.0.1:40000>10.0.0.2:80
211 destroy A
1000210 time-wait-end B TIME_WAIT>CLOSE sk=4096 cookie=1 10.0.0.1:40000>10.0.0.2:80
= 1000210 state #1 TIME_WAIT>CLOSE after=1000000 p100 10.0.0.1:40000>10.0.0.2:80

== no minisock, no TIME_WAIT: it is aborted, or there are too many
0 state C SYN_SENT>ESTABLISHED 10.0.0.3:40000>10.0.0.2:80
= 0 state #3 SYN_SENT>ESTABLISHED after=? - 10.0.0.3:40000>10.0.0.2:80
1 time-wait C FIN_WAIT2>TIME_WAIT listener=8192
2 closed C FIN_WAIT2>CLOSE fin-received shutdown
= 2 state #3 FIN_WAIT2>TIME_WAIT after=? - 10.0.0.3:40000>10.0.0.2:80
= 2 close #3 local-close time-wait opened=? lived=? - 10.0.0.3:40000>10.0.0.2:80
100 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 100 state #1 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40000>10.0.0.2:80
200 state A ESTABLISHED>FIN_WAIT1
= 200 state #1 ESTABLISHED>FIN_WAIT1 after=100 - 10.0.0.1:40000>10.0.0.2:80
210 state A FIN_WAIT1>FIN_WAIT2
= 210 state #1 FIN_WAIT1>FIN_WAIT2 after=10 - 10.0.0.1:40000>10.0.0.2:80
220 closed A FIN_WAIT2>CLOSE orphan shutdown
221 destroy A
222 reset-sent A CLOSE
= 220 state #1 FIN_WAIT2>CLOSE after=10 - 10.0.0.1:40000>10.0.0.2:80
= 220 close #1 local-reset(late-data) opened=? lived=? ESTABLISHED:100,FIN_WAIT1:10,FIN_WAIT2:10 - 10.0.0.1:40000>10.0.0.2:80
300 state B SYN_SENT>ESTABLISHED 10.0.0.1:40001>10.0.0.2:80
= 300 state #2 SYN_SENT>ESTABLISHED after=? - 10.0.0.1:40001>10.0.0.2:80
310 state B ESTABLISHED>FIN_WAIT1
= 310 state #2 ESTABLISHED>FIN_WAIT1 after=10 - 10.0.0.1:40001>10.0.0.2:80
320 state B FIN_WAIT1>FIN_WAIT2
= 320 state #2 FIN_WAIT1>FIN_WAIT2 after=10 - 10.0.0.1:40001>10.0.0.2:80
330 closed B FIN_WAIT2>CLOSE fin-received shutdown
= 330 state #2 FIN_WAIT2>CLOSE after=10 - 10.0.0.1:40001>10.0.0.2:80
= 330 close #2 local-close opened=? lived=? ESTABLISHED:10,FIN_WAIT1:10,FIN_WAIT2:10 - 10.0.0.1:40001>10.0.0.2:80
331 destroy B

== its end is lost: another minisock, then a socket, has the pointer
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
300 time-wait A FIN_WAIT2>TIME_WAIT listener=4096
301 closed A FIN_WAIT2>CLOSE fin-received shutdown
= 301 state #1 FIN_WAIT2>TIME_WAIT after=? p100 10.0.0.1:40000>10.0.0.2:80
= 301 close #1 local-close time-wait opened=0 lived=301 SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80
302 destroy A
400 open B CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.3:80 p101
= 400 state #2 CLOSE>SYN_SENT after=? p101 10.0.0.1:0>10.0.0.3:80
405 state B SYN_SENT>ESTABLISHED 10.0.0.1:40001>10.0.0.3:80
= 405 state #2 SYN_SENT>ESTABLISHED after=5 p101 10.0.0.1:40001>10.0.0.3:80
500 time-wait B FIN_WAIT2>TIME_WAIT listener=4096
501 closed B FIN_WAIT2>CLOSE fin-received shutdown
= 501 state #2 FIN_WAIT2>TIME_WAIT after=? p101 10.0.0.1:40001>10.0.0.3:80
= 501 close #2 local-close time-wait opened=400 lived=101 SYN_SENT:5 p101 10.0.0.1:40001>10.0.0.3:80
502 destroy B
600 open C CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.4:80 p102 sk=4096
= 600 state #3 CLOSE>SYN_SENT after=? p102 10.0.0.1:0>10.0.0.4:80
605 state C SYN_SENT>ESTABLISHED 10.0.0.1:40002>10.0.0.4:80 sk=4096
= 605 state #3 SYN_SENT>ESTABLISHED after=5 p102 10.0.0.1:40002>10.0.0.4:80
700 closed C ESTABLISHED>CLOSE shutdown sk=4096
= 700 state #3 ESTABLISHED>CLOSE after=95 p102 10.0.0.1:40002>10.0.0.4:80
= 700 close #3 local-reset opened=600 lived=100 SYN_SENT:5,ESTABLISHED:95 p102 10.0.0.1:40002>10.0.0.4:80
701 destroy C sk=4096

== its end comes for a minisock that is not the one known
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
300 time-wait A FIN_WAIT2>TIME_WAIT listener=4096
301 closed A FIN_WAIT2>CLOSE fin-received shutdown
= 301 state #1 FIN_WAIT2>TIME_WAIT after=? p100 10.0.0.1:40000>10.0.0.2:80
= 301 close #1 local-close time-wait opened=0 lived=301 SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80
302 destroy A
400 time-wait-end B TIME_WAIT>CLOSE sk=4096 cookie=77 10.0.0.9:40000>10.0.0.2:80
= 400 state #77 TIME_WAIT>CLOSE after=? - 10.0.0.9:40000>10.0.0.2:80
500 time-wait-end B TIME_WAIT>CLOSE sk=4096 cookie=1 10.0.0.1:40000>10.0.0.2:80
= 500 state #1 TIME_WAIT>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80

== older than the trace: nobody is named
500 time-wait-end B TIME_WAIT>CLOSE sk=4096 cookie=0 10.0.0.1:40000>10.0.0.2:80
= 500 state #0 TIME_WAIT>CLOSE after=? - 10.0.0.1:40000>10.0.0.2:80

== a repair keeps it for three minutes
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
300 time-wait A FIN_WAIT2>TIME_WAIT listener=4096
301 closed A FIN_WAIT2>CLOSE fin-received shutdown
= 301 state #1 FIN_WAIT2>TIME_WAIT after=? p100 10.0.0.1:40000>10.0.0.2:80
= 301 close #1 local-close time-wait opened=0 lived=301 SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80
302 destroy A
180000000 look
180000001 repair
= added 0 removed 0
180000010 time-wait-end B TIME_WAIT>CLOSE sk=4096 cookie=1 10.0.0.1:40000>10.0.0.2:80
= 180000010 state #1 TIME_WAIT>CLOSE after=179999710 p100 10.0.0.1:40000>10.0.0.2:80
180000020 open C CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 180000020 state #3 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
180000030 time-wait C FIN_WAIT2>TIME_WAIT listener=4096 10.0.0.1:40001>10.0.0.2:80
180000031 closed C FIN_WAIT2>CLOSE fin-received shutdown
= 180000031 state #3 FIN_WAIT2>TIME_WAIT after=? p100 10.0.0.1:40001>10.0.0.2:80
= 180000031 close #3 local-close time-wait opened=180000020 lived=11 p100 10.0.0.1:40001>10.0.0.2:80
180000032 destroy C
360000031 look
360000032 repair
= added 0 removed 1

== a full table: only the shape of the end tells max=1 processes=10
0 open A CLOSE>SYN_SENT 10.0.0.1:0>10.0.0.2:80 p100
= 0 state #1 CLOSE>SYN_SENT after=? p100 10.0.0.1:0>10.0.0.2:80
105 state A SYN_SENT>ESTABLISHED 10.0.0.1:40000>10.0.0.2:80
= 105 state #1 SYN_SENT>ESTABLISHED after=105 p100 10.0.0.1:40000>10.0.0.2:80
200 time-wait B FIN_WAIT2>TIME_WAIT listener=4096 10.0.0.1:40001>10.0.0.2:80
201 closed B FIN_WAIT2>CLOSE fin-received shutdown
= 201 state #2 FIN_WAIT2>TIME_WAIT after=? - 10.0.0.1:40001>10.0.0.2:80
= 201 close #2 local-close time-wait opened=? lived=? - 10.0.0.1:40001>10.0.0.2:80
300 time-wait A FIN_WAIT2>TIME_WAIT listener=8192
301 closed A FIN_WAIT2>CLOSE fin-received shutdown
= 301 state #1 FIN_WAIT2>TIME_WAIT after=? p100 10.0.0.1:40000>10.0.0.2:80
= 301 close #1 local-close time-wait opened=0 lived=301 SYN_SENT:105 p100 10.0.0.1:40000>10.0.0.2:80
