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
